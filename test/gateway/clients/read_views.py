"""What Superset and notebooks do through clickhouse-connect, unmodified: clients, pandas, SQLAlchemy."""

import sys
import threading
import time
from decimal import Decimal
from urllib.parse import urlsplit

import clickhouse_connect
import pandas as pd
from clickhouse_connect.driver.exceptions import DatabaseError
from sqlalchemy import create_engine, inspect, text

url, key = sys.argv[1:3]
place = urlsplit(url)
given = dict(host=place.hostname, port=place.port, username="bi", password=key, database="bi")

for compress in (True, False, "gzip"):
    client = clickhouse_connect.get_client(**given, compress=compress)
    assert client.ping()
    views = [row[0] for row in client.query("SHOW TABLES").result_rows]
    assert "kpi_trend" in views and "metric_secret_sales" not in views, views
    for view in views:
        frame = client.query_df(f"SELECT * FROM {view}")
        assert len(frame) > 0, view
        described = client.query(f"DESCRIBE TABLE bi.{view}").result_rows
        assert list(frame.columns) == [row[0] for row in described], view
        assert all(row[4] for row in described), f"{view} has comments"
        arrow = client.query_arrow(f"SELECT * FROM {view}")
        assert arrow.num_rows == len(frame), view
    client.close()

client = clickhouse_connect.get_client(**given)
assert client.command("SELECT currentDatabase()") == "bi"
rows = client.query(
    "SELECT value, bucket_from, ended FROM metric_revenue WHERE bucket = {bucket:String} AND region = {region:String}",
    parameters={"bucket": "2026-11-07", "region": "emea"},
).result_rows
assert rows[0][0] == Decimal("7.123456789"), rows
assert pd.Timestamp(rows[0][1]).tz_localize(None).isoformat() == "2026-11-06T23:00:00", rows
assert isinstance(rows[0][2], bool), rows
# Settings a server would know are dropped or refused by the client itself, and change nothing.
pages = [
    row[0]
    for offset in (0, 8, 16)
    for row in client.query(f"SELECT bucket FROM metric_revenue WHERE region = 'us' ORDER BY bucket LIMIT 8 OFFSET {offset}").result_rows
]
assert len(pages) == len(set(pages)) == 20, pages
streamed = 0
with client.query_row_block_stream("SELECT number FROM numbers(70000)") as stream:
    for block in stream:
        streamed += len(block)
assert streamed == 70000, streamed
for statement, name in [
    ("SELECT nothing FROM kpi_trend", "UNKNOWN_IDENTIFIER"),
    ("SELECT * FROM nowhere", "UNKNOWN_TABLE"),
    ("SELECT * FROM url('http://127.0.0.1/', LineAsString)", "ACCESS_DENIED"),
]:
    try:
        client.query(statement)
        raise AssertionError(statement)
    except DatabaseError as error:
        assert name in str(error) and "Code: " in str(error), error
try:
    clickhouse_connect.get_client(**{**given, "password": "wrong"})
    raise AssertionError("a wrong key is refused")
except DatabaseError as error:
    assert "516" in str(error), error

# A client that goes away is let go, and the next is answered.
slow = clickhouse_connect.get_client(**given, send_receive_timeout=2)
started = time.monotonic()
try:
    slow.query("SELECT sum(cityHash64(number)) FROM numbers(30000000000)")
    raise AssertionError("the query ends")
except Exception as error:  # noqa: BLE001
    assert not isinstance(error, AssertionError), error
assert time.monotonic() - started < 30
assert client.command("SELECT 1") == 1

engine = create_engine(f"clickhousedb://bi:{key}@{place.hostname}:{place.port}/bi")
with engine.connect() as connection:
    inspector = inspect(engine)
    assert "bi" in inspector.get_schema_names(), inspector.get_schema_names()
    assert "paceline" not in inspector.get_schema_names()
    tables = inspector.get_table_names(schema="bi") + inspector.get_view_names(schema="bi")
    assert "kpi_status" in tables, tables
    for table in set(tables):
        columns = inspector.get_columns(table, schema="bi")
        assert columns, table
        inspector.get_pk_constraint(table, schema="bi")
        inspector.get_indexes(table, schema="bi")
        assert connection.execute(text(f"SELECT count(*) AS n FROM bi.{table}")).scalar() > 0, table
    types = {column["name"]: str(column["type"]) for column in inspector.get_columns("metric_revenue", schema="bi")}
    assert "Decimal" in types["value"] or "DECIMAL" in types["value"], types
    # As Superset wraps a dataset: a time grain, a filter, an order, a limit.
    frame = pd.read_sql(
        text(
            "SELECT toStartOfDay(toDateTime(bucket_from)) AS __timestamp, region AS region, sum(value) AS \"SUM(value)\" FROM bi.metric_revenue "
            "WHERE bucket_from >= toDateTime('2026-11-01 00:00:00') AND bucket_from < toDateTime('2026-12-01 00:00:00') "
            "GROUP BY toStartOfDay(toDateTime(bucket_from)), region ORDER BY \"SUM(value)\" DESC LIMIT 50000"
        ),
        connection,
    )
    assert len(frame) > 0 and frame["region"].nunique() == 2, frame
    assert connection.execute(text("SELECT * FROM (SELECT * FROM bi.kpi_trend) AS virtual_table LIMIT 1001")).fetchall()
print("ok")
