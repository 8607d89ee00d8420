import typer
app = typer.Typer()
@app.command()
def hello(name: str, loud: bool = False):
    """Say hello."""
    print(("HELLO " if loud else "hello ") + name)
@app.command()
def bye(name: str):
    """Say bye."""
    print("bye", name)
if __name__ == "__main__":
    app()
