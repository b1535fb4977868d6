"""The process that runs llama.cpp: `python -m nbgroupchat.engines.llama_worker`, spoken to over its pipes.

The only package that knows llama.cpp. Knows nothing of rooms or members: turns are in `llama_turns`, prompts in
`prompt_ids`.
"""
