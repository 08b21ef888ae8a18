"""The ASGI application, its start, and what stands in front of Gradio."""
