//! The length of functions.
//!
//! The code is as rustfmt leaves it, so a function runs from its `fn` to the first closing brace at
//! the same depth.

use crate::tree::{File, files, verdict};

const LINES_MAX: usize = 70;

#[derive(Debug, PartialEq)]
struct Function<'a> {
    name: &'a str,
    line: usize,
    lines: usize,
}

#[test]
fn functions_are_short() -> anyhow::Result<()> {
    let complaints: Vec<String> = files()?
        .iter()
        .filter(|file| file.is_rust())
        .flat_map(complaints)
        .collect();
    verdict(&complaints)
}

fn complaints(file: &File) -> Vec<String> {
    let long = functions(&file.text)
        .into_iter()
        .filter(|it| it.lines > LINES_MAX);
    long.map(|Function { name, line, lines }| {
        format!(
            "{}:{line}: `{name}` has {lines} lines, {LINES_MAX} at most",
            file.path
        )
    })
    .collect()
}

fn functions(text: &str) -> Vec<Function<'_>> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if let Some(name) = name(line) {
            let depth = depth(line);
            let length = length(&lines[index..], depth);
            found.push(Function {
                name,
                line: index + 1,
                lines: length,
            });
        }
    }
    found
}

/// The name of the function that begins in this line.
pub(crate) fn name(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let mut qualifiers = before.split_whitespace();
    let is_qualifier = |it: &str| {
        matches!(it, "pub" | "const" | "async" | "unsafe" | "extern")
            || it.starts_with("pub(")
            || it.ends_with(')')
            || it.starts_with('"')
    };
    let begins_here = before.is_empty() || before.ends_with(' ');
    if !begins_here || !qualifiers.all(is_qualifier) {
        return None;
    }
    let end = after.find(|it: char| !it.is_alphanumeric() && it != '_')?;
    (end > 0).then(|| &after[..end])
}

/// The number of lines, when the first one begins a function.
fn length(lines: &[&str], depth: usize) -> usize {
    let mut inside = false;
    for (index, line) in lines.iter().enumerate() {
        let code = line.split(" //").next().unwrap_or_default().trim_end();
        let ends_here = if inside {
            self::depth(line) == depth && code.trim_start().starts_with('}')
        } else {
            // A declaration without body, or a body in one line.
            code.ends_with(';') || code.ends_with('}')
        };
        if ends_here {
            return index + 1;
        }
        inside = inside || code.ends_with('{');
    }
    lines.len()
}

fn depth(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[test]
fn a_long_function_is_seen() {
    let function = |lines: usize| {
        let begin = "impl A {\n    pub(crate) async fn go() {\n";
        let body = "        step();\n".repeat(lines - 2);
        File::sample("a.rs", &format!("{begin}{body}    }}\n}}\n"))
    };
    assert_eq!(complaints(&function(LINES_MAX)), Vec::<String>::new());
    let found = complaints(&function(LINES_MAX + 1));
    assert_eq!(found, ["a.rs:2: `go` has 71 lines, 70 at most"]);
}

#[test]
fn every_shape_of_function_is_measured() {
    let shapes = [
        ("fn a() {}\n", 1),
        ("    fn a(&self) -> u8;\n    fn b() {\n", 1),
        ("fn a(\n    b: u8,\n) -> u8 {\n    b\n}\n}\n", 5),
        (
            "fn a<T>(b: T)\nwhere\n    T: Copy,\n{\n    if b {\n    }\n}\n",
            7,
        ),
        ("fn a<T>(b: T)\nwhere\n    T: Copy;\n", 3),
        ("pub const fn a() -> u8 { // Why.\n    1\n}\n", 3),
        ("pub(in crate::x) unsafe extern \"C\" fn a() {\n}\n", 2),
    ];
    for (text, lines) in shapes {
        let found = functions(text);
        assert_eq!(
            found[0],
            Function {
                name: "a",
                line: 1,
                lines
            },
            "{text}"
        );
    }
    for text in [
        "// fn a() {\n",
        "type A = fn (u8);\n",
        "let a = \"fn a\";\n",
        "my_fn a\n",
    ] {
        assert_eq!(functions(text), [], "{text}");
    }
}
