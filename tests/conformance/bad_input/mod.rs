//! What is wrong with a request is refused by name: the field, what was found, what is allowed.
//! Nothing is written, and what lies just inside a limit is taken.

mod decisions;
mod freezes;
mod lists;
mod policies;
mod schedules;
mod streams;
mod tasks;
mod teams;
mod tokens;
mod windows;

/// Texts that are no names, wherever a name is asked for and may be left out.
fn bad_names() -> Vec<String> {
    let mut names = vec!["é".repeat(201), "x".repeat(10_000)];
    let shapes = [
        " web",
        "web ",
        "\u{a0}web",
        "we\u{0}b",
        "we\nb",
        "we\tb",
        "\u{1b}[31mweb",
        "we\u{7f}b",
        "we\u{85}b",
        "we\u{61c}b",
        "we\u{200b}b",
        "we\u{200d}b",
        "we\u{202e}b",
        "we\u{2066}b",
        "we\u{2028}b",
        "\u{feff}web",
        "e\u{301}",
        "\u{2126}",
    ];
    names.extend(shapes.map(str::to_owned));
    names
}

/// Texts that are names, however odd.
fn good_names() -> Vec<String> {
    let odd = [
        "x",
        "a b",
        "Größe 12",
        "web/api",
        "生产",
        "🚀",
        "*",
        "-",
        "0",
    ];
    let mut names: Vec<String> = odd.map(str::to_owned).to_vec();
    names.push("é".repeat(200));
    names
}

/// Texts that no comment may be.
fn bad_comments() -> Vec<String> {
    let long = ["x".repeat(4_097), "é".repeat(2_049)];
    let shapes = ["\u{1b}[2J", "a\u{0}", "a\u{202e}b", "a\u{8}"].map(str::to_owned);
    long.into_iter().chain(shapes).collect()
}
