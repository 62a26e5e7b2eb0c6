"""Arrow's dictionary types, which stand for categories: spelt out on the way, and restored at its end."""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from servier.errors import DataError
from servier.tables.arrow_batches import BATCH_ROWS, group_batches


def without_categories(kind: pa.DataType) -> pa.DataType:
    """Return a type with the values of categories in place of dictionaries, however deeply nested.

    Arrow does not convert views of lists, so these stay as they are.
    """
    if pa.types.is_dictionary(kind):
        return kind.value_type
    children = [spelt_out(kind.field(i)) for i in range(kind.num_fields)]
    if pa.types.is_struct(kind):
        kind = pa.struct(children)
    elif pa.types.is_map(kind):
        kind = pa.map_(spelt_out(kind.key_field), spelt_out(kind.item_field), kind.keys_sorted)
    elif pa.types.is_fixed_size_list(kind):
        kind = pa.list_(children[0], kind.list_size)
    elif pa.types.is_large_list(kind):
        kind = pa.large_list(children[0])
    elif pa.types.is_list(kind):
        kind = pa.list_(children[0])
    return kind


def spelt_out(field: pa.Field) -> pa.Field:
    """Return a field whose type is that of `without_categories`."""
    return field.with_type(without_categories(field.type))


def spelt_out_schema(schema: pa.Schema) -> pa.Schema:
    """Return a schema whose types are those of `without_categories`."""
    return pa.schema([spelt_out(field) for field in schema])


def decode_categories(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return record batches with categories spelt out."""
    schema = spelt_out_schema(batch.schema)
    columns = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.record_batch(columns, schema=schema)


def encode_categories(table: pa.Table, schema: pa.Schema, ordered: dict[str, pa.Array]) -> pa.Table:
    """Return a table with the dictionaries that its final schema has.

    Parameters
    ----------
    table
        Rows with categories spelt out.
    schema
        The final schema.
    ordered
        The categories of columns where their order means something, as `ordered_categories` found them;
        those of other columns are in the order in which they appear.

    Raises
    ------
    pyarrow.ArrowInvalid
        There are more categories than a column's type can count.
    """
    columns = [
        column.combine_chunks() if column.num_chunks != 1 else column.chunk(0) for column in table.columns
    ]
    encoded = []
    for column, field in zip(columns, schema, strict=True):
        if field.name in ordered:
            indices = pc.index_in(column, ordered[field.name]).cast(field.type.index_type)
            encoded.append(pa.DictionaryArray.from_arrays(indices, ordered[field.name], ordered=True))
        else:
            encoded.append(column if column.type == field.type else column.cast(field.type))
    return pa.Table.from_arrays(encoded, schema=schema)


def ordered_categories(
    file: pq.ParquetFile, rows_of: Callable[[int], int] = lambda _: BATCH_ROWS
) -> dict[str, pa.Array]:
    """Return the categories of each column of a file where their order means something.

    Parameters
    ----------
    file, rows_of
        As for `servier.tables.arrow_batches.group_batches`.
    """
    found = {}
    for field in file.schema_arrow:
        if pa.types.is_dictionary(field.type) and field.type.ordered:
            # A name with a dot would choose a part of another column.
            categories = last = pa.array([], field.type.value_type)
            for batch in group_batches(file, range(file.num_row_groups), [field.name], rows_of):
                dictionary = batch.column(field.name).dictionary
                if not dictionary.equals(last):
                    categories, last = pa.concat_arrays([categories, dictionary]).unique(), dictionary
            found[field.name] = categories
    return found


def check_carried(schema: pa.Schema) -> None:
    """Check that all categories can be spelt out.

    Raises
    ------
    DataError
        A column has them in views of lists.
    """
    for field in schema:
        if _has_categories(without_categories(field.type)):
            problem = f"column {field.name!r} holds {field.type}, which Arrow cannot copy"
            raise DataError(problem, hint="leave it out with --columns")


def _has_categories(kind: pa.DataType) -> bool:
    children = (kind.field(i).type for i in range(kind.num_fields))
    return pa.types.is_dictionary(kind) or any(map(_has_categories, children))
