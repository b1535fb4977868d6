"""Where logs live, and how hubs hear of what is added to them."""
