//! Access IDs as rows of a CSV file (RFC 4180).

use std::{borrow::Cow, collections::HashMap};

use csv::{ReaderBuilder, StringRecord, Writer};
use domain::OcppIdTag;
use serde_json::{Map, Value, json};

/// The columns: names of the API's fields, those that have to be there first.
pub const COLUMNS: [&str; 9] = [
    "ocppIdTag",
    "name",
    "type",
    "authorizationStatus",
    "customer",
    "vehicle.make",
    "vehicle.model",
    "vehicle.vin",
    "vehicleId",
];
/// How many of them have to be there.
const REQUIRED: usize = 3;
/// How many of them are exported. A row of an import has the fields of a vehicle or its id, not both.
const EXPORTED: usize = 8;

/// An access ID of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Where it begins.
    pub line: u64,
    /// As the API takes it.
    pub item: Value,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    pub line: u64,
    /// The column, if one alone is wrong.
    pub column: Option<String>,
    pub message: String,
}

/// Reads a file: its rows, and those that cannot be sent.
///
/// # Errors
/// What is wrong with the file as a whole: its header, or where it is not CSV.
pub fn read(file: &[u8]) -> Result<(Vec<Row>, Vec<RowError>), String> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let record = |record: Result<StringRecord, csv::Error>| record.map_err(|error| error.to_string());
    let records =
        |delimiter| ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(file);
    let header_by = |delimiter| records(delimiter).records().next().map(record).transpose();
    let (by_comma, by_semicolon) = (header_by(b',')?.unwrap_or_default(), header_by(b';')?.unwrap_or_default());
    let (delimiter, header) = if by_semicolon.len() > by_comma.len() { (b';', by_semicolon) } else { (b',', by_comma) };
    let columns = columns(&header)?;

    let (mut rows, mut errors, mut lines) = (Vec::new(), Vec::new(), HashMap::new());
    for row in records(delimiter).records().skip(1) {
        let row = record(row)?;
        let line = row.position().map_or(0, csv::Position::line);
        // Spreadsheets leave rows of empty cells.
        if row.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if row.len() != columns.len() {
            let message = format!("has {} cells, and the header {}", row.len(), columns.len());
            errors.push(RowError { line, column: None, message });
            continue;
        }
        let item = item(columns.iter().copied().zip(&row));
        // The API says the same of two rows of one request; those of a file may be in several.
        let tag = item["ocppIdTag"].as_str().and_then(|tag| OcppIdTag::normalize(tag).ok());
        let first = tag.map(|tag| *lines.entry(tag).or_insert(line)).filter(|first| *first != line);
        if let Some(first) = first {
            let message = format!("is the same tag as on line {first}");
            errors.push(RowError { line, column: Some("ocppIdTag".to_owned()), message });
            continue;
        }
        rows.push(Row { line, item });
    }
    Ok((rows, errors))
}

fn columns(header: &StringRecord) -> Result<Vec<&'static str>, String> {
    let mut columns = Vec::new();
    for name in header.iter().map(str::trim) {
        let Some(column) = COLUMNS.iter().find(|column| **column == name) else {
            return Err(format!("there is no column {name:?}; the columns are {}", COLUMNS.join(", ")));
        };
        if columns.contains(column) {
            return Err(format!("the column {column} is there twice"));
        }
        columns.push(*column);
    }
    match COLUMNS[..REQUIRED].iter().find(|required| !columns.contains(required)) {
        Some(missing) => Err(format!("the column {missing} is missing")),
        None => Ok(columns),
    }
}

/// A row as the API takes it. An empty cell is left out.
fn item<'a>(cells: impl Iterator<Item = (&'static str, &'a str)>) -> Value {
    let mut item = Map::new();
    for (column, cell) in cells.filter(|(_, cell)| !cell.trim().is_empty()) {
        let text = unguarded(cell);
        match column.split_once('.') {
            Some((object, field)) => {
                item.entry(object).or_insert_with(|| json!({}))[field] = text.into();
            }
            None if column == "customer" => _ = item.insert(column.to_owned(), json!({ "name": text })),
            // What is no number is for the API to refuse.
            None if column == "vehicleId" => {
                let number = text.trim().parse::<u64>().map_or_else(|_| text.into(), Value::from);
                item.insert(column.to_owned(), number);
            }
            None => _ = item.insert(column.to_owned(), text.into()),
        }
    }
    item.into()
}

/// Writes access IDs as the API shows them.
///
/// # Errors
/// Those of the writer.
pub fn write(access_ids: &[Value], writer: impl std::io::Write) -> Result<(), csv::Error> {
    let mut writer = Writer::from_writer(writer);
    writer.write_record(&COLUMNS[..EXPORTED])?;
    for access_id in access_ids {
        let cell = |column: &&str| match *column {
            "customer" => access_id["customer"]["name"].as_str(),
            column => column.split('.').fold(access_id, |value, name| &value[name]).as_str(),
        };
        writer.write_record(
            COLUMNS[..EXPORTED].iter().map(|column| guarded(cell(column).unwrap_or_default()).into_owned()),
        )?;
    }
    Ok(writer.flush()?)
}

/// Whether a spreadsheet might take the cell for a formula, now or once the apostrophes before it are gone.
fn looks_like_a_formula(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])
}

/// A cell as it is exported: with an apostrophe before what a spreadsheet might take for a formula.
pub fn guarded(cell: &str) -> Cow<'_, str> {
    if looks_like_a_formula(cell) { format!("'{cell}").into() } else { cell.into() }
}

/// The cell without the apostrophe that [`guarded`] puts before it.
pub fn unguarded(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|cell| looks_like_a_formula(cell)).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn items(file: &str) -> Vec<Value> {
        let (rows, errors) = read(file.as_bytes()).unwrap();
        assert_eq!(errors, []);
        rows.into_iter().map(|row| row.item).collect()
    }

    #[test]
    fn columns_are_fields_and_empty_cells_are_left_out() {
        let file = "\u{feff}type;ocppIdTag;name;customer;vehicle.make;vehicleId;vehicle.vin\r\n\
            Vehicle;VID:92D50A693F80;\"Van; \"\"blue\"\"\";Fleet;;20;\r\n\
            ;;;;;;\r\n\
            Vehicle;a;Two\nlines;;Tesla;;v\r\n";
        let file = file.replace("Two\nlines", "\"Two\nlines\"");
        let expected = [
            json!({"type": "Vehicle", "ocppIdTag": "VID:92D50A693F80", "name": "Van; \"blue\"", "customer": {"name": "Fleet"},
                "vehicleId": 20}),
            json!({"type": "Vehicle", "ocppIdTag": "a", "name": "Two\nlines", "vehicle": {"make": "Tesla", "vin": "v"}}),
        ];
        assert_eq!(items(&file), expected);
        assert_eq!(items(&file.trim_start_matches('\u{feff}').replace("; ", "_").replace(';', ",")).len(), 2);
    }

    #[test]
    fn a_bad_row_is_named_by_its_line() {
        let file = "ocppIdTag,name,type\n04:E1:A2:B3,One,RFID\n\"b\n\",B\n04e1a2b3,Again,RFID\nc,C,RFID,\n";
        let (rows, errors) = read(file.as_bytes()).unwrap();
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2]);
        let errors: Vec<_> =
            errors.iter().map(|error| (error.line, error.column.as_deref(), &*error.message)).collect();
        let expected = [
            (3, None, "has 2 cells, and the header 3"),
            (5, Some("ocppIdTag"), "is the same tag as on line 2"),
            (6, None, "has 4 cells, and the header 3"),
        ];
        assert_eq!(errors, expected);
    }

    #[test]
    fn a_bad_header_is_named() {
        for (file, words) in [
            ("", "the column ocppIdTag is missing"),
            ("ocppIdTag,name\n", "the column type is missing"),
            ("ocppIdTag,name,type,Customer\n", "there is no column \"Customer\""),
            ("ocppIdTag,name,type,name\n", "the column name is there twice"),
            ("ocppIdTag\tname\ttype\n", "there is no column \"ocppIdTag\\tname\\ttype\""),
        ] {
            let refused = read(file.as_bytes()).unwrap_err();
            assert!(refused.starts_with(words), "{refused}");
        }
        let no_text = read(b"ocppIdTag,name,type\na,\xff,RFID\n").unwrap_err();
        assert!(no_text.contains("(line 2,"), "{no_text}");
    }

    #[test]
    fn no_exported_cell_is_a_formula() {
        for (cell, expected) in
            [("=1", "'=1"), ("@x", "'@x"), ("'-1", "''-1"), ("\t=1", "'\t=1"), ("'x", "'x"), ("a-b", "a-b")]
        {
            assert_eq!(guarded(cell), expected);
        }
    }

    proptest! {
        #[test]
        fn what_is_exported_is_what_is_imported(cells in prop::collection::vec("['=+@\t\r\n\"';,a-]{0,4}|\\PC{0,6}", 6)) {
            let shown = |text: &String| if text.trim().is_empty() { Value::Null } else { json!(text) };
            let [name, customer, make, model, vin, kind] = [0, 1, 2, 3, 4, 5].map(|at: usize| shown(&cells[at]));
            let access_id = json!({
                "id": 7, "ocppIdTag": "tag", "name": name, "type": kind, "authorizationStatus": "Revoked", "createdAt": "x",
                "customer": if customer.is_null() { Value::Null } else { json!({"name": customer}) },
                "vehicle": {"id": 20, "name": "x", "make": make, "model": model, "vin": vin},
            });
            let mut file = Vec::new();
            write(std::slice::from_ref(&access_id), &mut file).unwrap();
            let (rows, errors) = read(&file).unwrap();
            prop_assert_eq!(errors, []);
            let mut expected = access_id;
            for field in ["id", "createdAt"] {
                expected.as_object_mut().unwrap().remove(field);
            }
            let vehicle = expected["vehicle"].as_object_mut().unwrap();
            vehicle.retain(|name, value| !value.is_null() && ["make", "model", "vin"].contains(&name.as_str()));
            let has_no_vehicle = vehicle.is_empty();
            expected.as_object_mut().unwrap().retain(|name, value| !value.is_null() && (name != "vehicle" || !has_no_vehicle));
            prop_assert_eq!(&rows[0].item, &expected, "{}", String::from_utf8_lossy(&file));
        }

        #[test]
        fn an_apostrophe_is_taken_off_where_it_was_put(cell in "['=+@\t\r-]{0,4}.{0,3}") {
            let guarded = guarded(&cell);
            prop_assert_eq!(unguarded(&guarded), &*cell);
            prop_assert!(!guarded.starts_with(['=', '+', '-', '@', '\t', '\r']));
        }
    }
}
