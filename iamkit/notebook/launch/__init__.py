"""JupyterLab and the app, started on the notebooks."""
