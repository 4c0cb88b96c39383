"""`python -m migrations_sql_to_mongo`."""

from migrations_sql_to_mongo.cli import main

main(prog_name="python -m migrations_sql_to_mongo")
