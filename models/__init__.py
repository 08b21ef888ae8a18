"""The model: run, streamed, looked into, measured, trained. Imports nothing else of ours."""
