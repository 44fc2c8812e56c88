"""Tables out of spreadsheets, as people save them."""

import pytest

from postroad.spreadsheets import MOST_COLUMNS, SpreadsheetError, decode, read_spreadsheet


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_first_row_names_the_columns_whatever_parts_the_cells(delimiter):
    text = '\n"email";"First name"\n\nana@example.com;"Ana ""Mar"" Reis"\n;\nbo@example.com\n'.replace(";", delimiter)
    sheet = read_spreadsheet(text, 10)
    assert sheet.columns == ("email", "First name")
    assert [row.cells for row in sheet.rows] == [("ana@example.com", 'Ana "Mar" Reis'), ("bo@example.com",)]
    assert [row.line for row in sheet.rows] == [4, 6]


def test_a_cell_that_a_spreadsheet_would_calculate_is_only_text():
    sheet = read_spreadsheet('id,name\n1,"=HYPERLINK(""https://evil.example"",""win"")"\n', 10)
    assert sheet.rows[0].cells == ("1", '=HYPERLINK("https://evil.example","win")')


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_file_is_read_as_excel_and_others_write_it(encoding):
    assert read_spreadsheet(decode("id;name\n1;Café €\n".encode(encoding)), 10).rows[0].cells == ("1", "Café €")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The file is empty. Its first row has to name the columns."),
        ("id,name\n1,a\n2,b\n3,c", "There are more than 2 rows. Cut the file into several."),
        ("a\0b", "This is no text. Save the table as CSV (UTF-8), and choose that file."),
        ("," * MOST_COLUMNS + "x", "There are 201 columns; at most 200 are taken."),
        ('id,name\n1,"' + "x" * 11_000, "Line 2 has a cell of 11,000 characters; a quote may not be closed."),
        ('id,name\n1,"' + "x" * 140_000, "Line 2 cannot be read: field larger than field limit (131072)."),
    ],
)
def test_what_is_no_table_is_refused_with_the_reason(text, sentence):
    with pytest.raises(SpreadsheetError) as refused:
        read_spreadsheet(text, 2)
    assert str(refused.value) == sentence


def test_what_is_no_text_is_refused():
    with pytest.raises(SpreadsheetError, match="This is no text"):
        decode(b"\xff\xfe\x00")
