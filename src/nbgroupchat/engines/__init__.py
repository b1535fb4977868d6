"""What runs a model: one interface (`base`) and its implementations."""
