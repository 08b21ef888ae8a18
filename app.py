"""Entry for `python app.py` and for Hugging Face Spaces: settings in, server up."""

if __name__ == "__main__":
    # imported here, since each process that the server starts loads this file once more
    from pathviewer.commands.main import serve_command

    serve_command()
