//! Lists of residents from a spreadsheet: all of a list, or nothing of it, with every fault and its line.

use std::collections::HashMap;

use csv::ReaderBuilder;
use serde::Serialize;
use utoipa::ToSchema;

use super::residents::Resident;
use super::told::{Told, told};
use crate::types::{NumberPlan, did_you_mean};

/// Faults that are told; the rest come back when these are mended.
const FAULTS_MAX: usize = 50;
/// What columns may be called.
const COLUMNS: [(Column, &[&str]); 5] = [
    (Column::Building, &["building", "楼号", "楼栋", "栋", "幢", "楼"]),
    (Column::Room, &["room", "房号", "房间", "房间号", "室"]),
    (Column::Name, &["name", "姓名", "业主", "业主姓名", "住户"]),
    (Column::Phone, &["phone", "number", "numbers", "电话", "手机", "手机号", "联系电话", "联系方式"]),
    (Column::Note, &["note", "备注"]),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Building,
    Room,
    Name,
    Phone,
    Note,
}

/// What a file says.
#[derive(Debug, Default)]
pub struct List {
    pub residents: Vec<Resident>,
    /// What of it was not used, and what will not be guessed.
    pub notes: Vec<Told>,
}

/// What is wrong in one line, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LineFault {
    /// From 1 on.
    pub line: u64,
    /// In English, where it is data.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String)]
    pub what: Told,
}

fn as_text<S: serde::Serializer>(what: &Told, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(what)
}

/// Why nothing of a list is taken: its faults in the order of their lines, as many as are told.
#[derive(Debug, Default)]
pub struct Faults {
    pub told: Vec<LineFault>,
    /// How many there are besides.
    pub more: usize,
}

impl Faults {
    fn add(&mut self, line: u64, what: impl Into<Told>) {
        if self.told.len() < FAULTS_MAX {
            self.told.push(LineFault { line, what: what.into() });
        } else {
            self.more += 1;
        }
    }

    /// For people, with the file's name: a line for each.
    pub fn in_file(&self, file: &str) -> String {
        let mut lines: Vec<String> =
            self.told.iter().map(|LineFault { line, what }| format!("{file}:{line}: {what}")).collect();
        if self.more > 0 {
            lines.push(format!("and {} more", self.more));
        }
        lines.push("nothing was changed".to_owned());
        lines.join("\n")
    }
}

/// Reads a list: UTF-8, with a header line, cells divided by commas, semicolons or tabs.
///
/// # Errors
/// Every fault of the list, with its line.
pub fn read(bytes: &[u8], plan: &NumberPlan) -> Result<List, Faults> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|b| **b == b'\n').count() as u64 + 1;
        let mut faults = Faults::default();
        faults.add(
            line,
            Told::new(
                "不是 UTF-8 文本；请另存为“CSV UTF-8”，或运行 iconv -f GB18030 -t UTF-8",
                "it is not UTF-8 text; save it as \"CSV UTF-8\" (另存为，CSV UTF-8), or run iconv -f GB18030 -t UTF-8",
            ),
        );
        faults
    })?;
    rows(text.strip_prefix('\u{feff}').unwrap_or(text), plan)
}

fn rows(text: &str, plan: &NumberPlan) -> Result<List, Faults> {
    let mut faults = Faults::default();
    let header = text.lines().next().unwrap_or_default();
    let often = |c: &char| header.matches(*c).count();
    let delimiter = [',', ';', '\t'].into_iter().max_by_key(|c| (often(c), *c == ',')).unwrap_or(',');
    let mut reader = ReaderBuilder::new()
        .delimiter(u8::try_from(delimiter).unwrap_or(b','))
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut list = List::default();
    let names = reader.headers().cloned().unwrap_or_default();
    let columns: Vec<Option<Column>> = names.iter().map(column).collect();
    for (name, _) in names.iter().zip(&columns).filter(|(name, column)| column.is_none() && !name.is_empty()) {
        let known = COLUMNS.iter().flat_map(|(_, words)| words.iter().copied());
        list.notes.push(match did_you_mean(&name.to_lowercase(), known) {
            Some(near) => told!(
                "没有使用“{name}”这一列：是不是“{near}”？",
                "the column `{name}` is not used: did you mean `{near}`?"
            ),
            None => told!("没有使用“{name}”这一列", "the column `{name}` is not used"),
        });
    }
    for (wanted, en, zh) in
        [(Column::Building, "building", "楼号"), (Column::Room, "room", "房号"), (Column::Name, "name", "姓名")]
    {
        if !columns.contains(&Some(wanted)) {
            let what = told!(
                "没有“{zh}”这一列；请在第一行写各列的名称",
                "there is no column {en} ({zh}); write the columns' names into the first line"
            );
            faults.add(1, what);
        }
    }
    if faults.told.is_empty() {
        take_rows(&mut reader, &columns, plan, (&mut list, &mut faults));
    }
    if !faults.told.is_empty() {
        return Err(faults);
    }
    list.notes.extend(shared_numbers(&list.residents));
    Ok(list)
}

fn take_rows(
    reader: &mut csv::Reader<&[u8]>,
    columns: &[Option<Column>],
    plan: &NumberPlan,
    (list, faults): (&mut List, &mut Faults),
) {
    let mut seen: HashMap<(String, String, String), u64> = HashMap::new();
    for row in reader.records() {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                let what = told!("不能按 CSV 读取：{error}", "it can't be read as CSV: {error}");
                faults.add(error.position().map_or(1, csv::Position::line), what);
                return;
            }
        };
        let line = row.position().map_or(1, csv::Position::line);
        if row.iter().all(str::is_empty) {
            continue;
        }
        if row.iter().skip(columns.len()).any(|cell| !cell.is_empty()) {
            let (cells, count) = (row.len(), columns.len());
            let what = told!(
                "有 {cells} 格，但只有 {count} 列；含逗号的格请加双引号",
                "{cells} cells, but {count} columns; put a cell with a comma into double quotes"
            );
            faults.add(line, what);
            continue;
        }
        let cell = |wanted| {
            let at = columns.iter().position(|column| *column == Some(wanted));
            plain(at.and_then(|at| row.get(at)).unwrap_or_default())
        };
        let phones: Vec<&str> = columns
            .iter()
            .zip(row.iter())
            .filter(|(column, _)| **column == Some(Column::Phone))
            .flat_map(|(_, cell)| plain(cell).split([',', '，', ';', '；', '/', '、', '\n']))
            .collect();
        match Resident::new(cell(Column::Building), cell(Column::Room), cell(Column::Name), &phones, plan) {
            Ok(resident) => {
                let key = (resident.building.clone(), resident.room.clone(), resident.name.clone());
                if let Some(before) = seen.insert(key, line) {
                    let Resident { building, room, name, .. } = &resident;
                    let what = told!(
                        "{building} 楼 {room} 的 {name} 在第 {before} 行已有；请并为一行，写上全部号码",
                        "building {building} room {room} has {name} in line {before} already; keep one of them, with all \
                         numbers"
                    );
                    faults.add(line, what);
                }
                let note = Some(cell(Column::Note).to_owned()).filter(|note| !note.is_empty());
                list.residents.push(Resident { note, ..resident });
            }
            Err(fault) => faults.add(line, fault.told()),
        }
    }
}

fn column(name: &str) -> Option<Column> {
    let name = name.trim().to_lowercase();
    COLUMNS.iter().find(|(_, words)| words.contains(&name.as_str())).map(|(column, _)| *column)
}

/// Without the mark that keeps a spreadsheet from running a cell.
fn plain(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| rest.starts_with(['=', '+', '-', '@'])).unwrap_or(cell)
}

/// Numbers of several residents: who calls from them is not guessed.
fn shared_numbers(residents: &[Resident]) -> Vec<Told> {
    let mut of: HashMap<&str, Vec<&Resident>> = HashMap::new();
    for resident in residents {
        for number in &resident.numbers {
            of.entry(number).or_default().push(resident);
        }
    }
    let mut shared: Vec<Told> = of
        .into_iter()
        .filter(|(_, residents)| residents.len() > 1)
        .map(|(number, residents)| {
            let who: Vec<String> = residents.iter().map(|r| format!("{} {} {}", r.building, r.room, r.name)).collect();
            let who = who.join(", ");
            told!(
                "号码 {number} 属于 {who}：不会猜测是谁打来",
                "the number {number} belongs to {who}: who of them calls is not guessed"
            )
        })
        .collect();
    shared.sort_by_key(Told::to_string);
    shared
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Result<List, String> {
        read(text.as_bytes(), &NumberPlan::default()).map_err(|faults| faults.in_file("list.csv"))
    }

    #[test]
    fn a_spreadsheet_in_chinese_or_english_is_read() {
        for text in [
            "楼号,房号,姓名,电话\n3,1201,李四,138 0013 8000；010-62001234\n",
            "name;phone;room;building\n李四;13800138000/01062001234;1201;3\n",
        ] {
            let read = list(text).expect("it is right");
            let [resident] = read.residents.as_slice() else { panic!("{read:?}") };
            assert_eq!((&*resident.building, &*resident.room, &*resident.name), ("3", "1201", "李四"));
            assert_eq!(resident.numbers, ["13800138000", "01062001234"]);
        }
    }

    /// What `residents --csv` writes is read again as it was.
    #[test]
    fn a_cell_with_several_numbers_as_we_write_it_is_read_as_several() {
        let plan = NumberPlan::default();
        let before = Resident::new("3", "1201", "李四", &["62001234", "62005678"], &plan).expect("it is right");
        let text = format!("building,room,name,phone\n3,1201,李四,{}\n", before.numbers_cell());
        assert_eq!(list(&text).expect("it is right").residents, [before]);
    }

    #[test]
    fn every_fault_is_told_with_its_line_and_nothing_is_taken() {
        let text = "building,room,name,phone,flor\n3,1201,李四,13800138000,\n3,,王五,1390\n3,1201,李四,139\n1,2,赵六,abc\n1,3,钱七,,,x\n";
        let told = list(text).expect_err("it has faults");
        assert_eq!(
            told,
            "list.csv:3: there is no room; write building, room and name\n\
             list.csv:4: building 3 room 1201 has 李四 in line 2 already; keep one of them, with all numbers\n\
             list.csv:5: `abc` is no telephone number; write it as 13800138000, 010-62001234 or +86 138 0013 8000\n\
             list.csv:6: 6 cells, but 5 columns; put a cell with a comma into double quotes\n\
             nothing was changed"
        );
        let told = list("楼,姓名\n3,李四\n").expect_err("a column is missing");
        assert!(told.contains("list.csv:1: there is no column room (房号)"), "{told}");
    }

    #[test]
    fn a_list_that_is_not_utf_8_is_told_how_to_be_saved() {
        let gb18030 = b"building,room,name\n3,1201,\xc0\xee\xcb\xc4\n";
        let faults = read(gb18030, &NumberPlan::default()).expect_err("it can't be read");
        assert_eq!(faults.told.len(), 1);
        assert!(faults.told[0].line == 2 && faults.told[0].what.to_string().contains("CSV UTF-8"), "{faults:?}");
    }

    #[test]
    fn a_number_of_two_residents_is_kept_and_told() {
        let text = "building,room,name,phone\n3,1201,李四,13800138000\n5,302,王五,+86 138 0013 8000\n";
        let read = list(text).expect("it is right");
        assert_eq!(read.residents.len(), 2);
        let told = ["the number 13800138000 belongs to 3 1201 李四, 5 302 王五: who of them calls is not guessed"];
        assert_eq!(read.notes.iter().map(Told::to_string).collect::<Vec<_>>(), told);
    }
}
