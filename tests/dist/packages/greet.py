import click
from rich.console import Console
from rich.table import Table
@click.command()
@click.option("--count", default=2, help="How many.")
@click.argument("name")
def main(count, name):
    """Greet NAME."""
    table = Table(title="Greetings")
    table.add_column("n"); table.add_column("text", style="green")
    for i in range(count):
        table.add_row(str(i), f"hello {name}")
    Console().print(table)
if __name__ == "__main__":
    main()
