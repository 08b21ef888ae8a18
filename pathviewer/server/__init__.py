"""The ASGI application, server start-up and the filters in front of Gradio."""
