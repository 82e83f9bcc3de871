"""Parquet and Arrow from REST, read by pandas, DuckDB and polars."""

import io
import sys
import urllib.request
from decimal import Decimal

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

folder, *addresses = sys.argv[1:]


def fetch(address, accept=None):
    request = urllib.request.Request(address, headers={} if accept is None else {"accept": accept})
    with urllib.request.urlopen(request) as answer:
        return answer.read(), answer.headers["content-type"]


for index, address in enumerate(addresses):
    glue = "&" if "?" in address else "?"
    parquet, kind = fetch(f"{address}{glue}format=parquet")
    assert kind.startswith("application/vnd.apache.parquet"), kind
    assert fetch(address, "application/vnd.apache.parquet")[0][:4] == b"PAR1"
    arrow, kind = fetch(f"{address}{glue}format=arrow")
    assert kind.startswith("application/vnd.apache.arrow"), kind
    csv = pd.read_csv(io.BytesIO(fetch(f"{address}{glue}format=csv")[0]))
    ndjson = pd.read_json(io.BytesIO(fetch(f"{address}{glue}format=ndjson")[0]), lines=True)
    path = f"{folder}/{index}.parquet"
    with open(path, "wb") as file:
        file.write(parquet)
    frame = pd.read_parquet(path)
    assert len(frame) == len(csv) == len(ndjson) > 0, (len(frame), len(csv), len(ndjson))
    assert list(frame.columns) == list(csv.columns), (list(frame.columns), list(csv.columns))
    table = pa.ipc.open_stream(arrow).read_all()
    assert table.num_rows == len(frame) and table.column_names == list(frame.columns)
    polars = pl.read_parquet(path)
    assert polars.height == len(frame) and polars.columns == list(frame.columns)
    assert pl.read_ipc_stream(io.BytesIO(arrow)).equals(polars)
    rows = duckdb.sql(f"SELECT count(*), count(value) FROM '{path}'").fetchall()[0]
    assert rows[0] == len(frame), rows
    values = [value for value in frame["value"] if value is not None]
    assert values and all(isinstance(value, Decimal) for value in values), values[:3]
    assert [Decimal(str(value)) for value in csv["value"].dropna()][:1] == [values[0].normalize()] or float(values[0]) == float(csv["value"].dropna().iloc[0])
    assert pq.read_schema(path).field("value").type == pa.decimal128(38, 9)
print("ok")
