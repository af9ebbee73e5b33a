//! Reads which paths a source file names. It knows as much of Rust as that takes: comments, literals,
//! `use` trees, and items that are only compiled for tests.

/// What a file names.
pub(crate) struct Source {
    /// File below `src`.
    pub(crate) name: String,
    /// Path of its module, without `crate`.
    pub(crate) module: Vec<String>,
    /// Paths with two or more parts; those that begin with `super` or `self` in full.
    pub(crate) uses: Vec<Vec<String>>,
    /// Whether it has async functions or blocks.
    pub(crate) is_async: bool,
}

impl Source {
    /// Reads the text of a file.
    pub(crate) fn read(name: &str, module: &[&str], text: &str) -> Self {
        let tokens = without_tests(&tokens(text));
        let module: Vec<String> = module.iter().map(|part| (*part).to_owned()).collect();
        let mut uses = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let follows = tokens.get(at + 1).is_some_and(|next| next == "::");
            if is_word(&tokens[at]) && follows {
                at = path(&tokens, at, &[], &mut uses);
            } else {
                at += 1;
            }
        }
        let uses = uses.into_iter().map(|used| absolute(&module, used)).collect();
        let is_async = tokens.iter().any(|token| token == "async" || token == "await");
        Self { name: name.to_owned(), module, uses, is_async }
    }
}

/// Reads the path at `at`, which may be a tree; returns where it ends.
fn path(tokens: &[String], mut at: usize, before: &[String], uses: &mut Vec<Vec<String>>) -> usize {
    let mut parts = before.to_vec();
    while let Some(token) = tokens.get(at) {
        if token == "{" {
            at += 1;
            while tokens.get(at).is_some_and(|token| token != "}") {
                at = if tokens[at] == "," { at + 1 } else { path(tokens, at, &parts, uses) };
            }
            return at + 1;
        }
        if !is_word(token) && token != "*" {
            break;
        }
        // `self` in a tree is the module before it.
        if token != "self" || parts.is_empty() {
            parts.push(token.clone());
        }
        at += 1;
        if tokens.get(at).is_some_and(|next| next == "as") {
            at += 2;
        }
        if tokens.get(at).is_none_or(|next| next != "::") {
            break;
        }
        at += 1;
        // `collect::<Vec<_>>` ends the path.
        if tokens.get(at).is_some_and(|next| next == "<") {
            break;
        }
    }
    uses.push(parts);
    at.max(1)
}

/// `super::x` in the module `a::b` is `crate::a::x`.
fn absolute(module: &[String], used: Vec<String>) -> Vec<String> {
    let supers = used.iter().take_while(|part| *part == "super").count();
    let own = used.first().is_some_and(|first| first == "self");
    if supers == 0 && !own {
        return used;
    }
    let above = module.len().saturating_sub(supers);
    let rest = used.into_iter().skip(supers.max(usize::from(own)));
    std::iter::once("crate".to_owned()).chain(module[..above].iter().cloned()).chain(rest).collect()
}

/// Leaves out items behind `#[cfg(test)]`.
fn without_tests(tokens: &[String]) -> Vec<String> {
    let marker = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at..].iter().zip(marker).filter(|(token, mark)| *token == mark).count() < marker.len() {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let mut depth = 0_usize;
        for token in &tokens[at + marker.len()..] {
            at += 1;
            match token.as_str() {
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => depth -= 1,
                _ => {}
            }
            if depth == 0 && matches!(token.as_str(), "}" | ";") {
                break;
            }
        }
        at += marker.len();
    }
    kept
}

/// Words, `::`, and other characters one by one; no comments, no literals.
fn tokens(text: &str) -> Vec<String> {
    let text: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&letter) = text.get(at) {
        let next = text.get(at + 1).copied();
        if letter == '/' && next == Some('/') {
            at += text[at..].iter().take_while(|letter| **letter != '\n').count();
        } else if letter == '/' && next == Some('*') {
            at = after_comment(&text, at);
        } else if letter == '"' {
            at = after_string(&text, at);
        } else if letter == '\'' {
            at = after_quote(&text, at);
        } else if letter.is_alphanumeric() || letter == '_' {
            let word: String =
                text[at..].iter().take_while(|letter| letter.is_alphanumeric() || **letter == '_').collect();
            at += word.chars().count();
            match (word.as_str(), text.get(at)) {
                ("r" | "br" | "cr", Some('"' | '#')) => at = after_raw(&text, at),
                ("b" | "c", Some('"' | '\'')) => {}
                _ => tokens.push(word),
            }
        } else if letter == ':' && next == Some(':') {
            tokens.push("::".to_owned());
            at += 2;
        } else {
            if !letter.is_whitespace() {
                tokens.push(letter.to_string());
            }
            at += 1;
        }
    }
    tokens
}

fn after_comment(text: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < text.len() {
        match (text[at], text.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn after_string(text: &[char], mut at: usize) -> usize {
    at += 1;
    while at < text.len() && text[at] != '"' {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn after_raw(text: &[char], at: usize) -> usize {
    let hashes = text[at..].iter().take_while(|letter| **letter == '#').count();
    if text.get(at + hashes) != Some(&'"') {
        // `r#type` is a name.
        return at + hashes;
    }
    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = at + hashes + 1;
    text[body..]
        .windows(end.len())
        .position(|window| window == end)
        .map_or(text.len(), |found| body + found + end.len())
}

/// Behind a character literal, or behind the quote of a lifetime.
fn after_quote(text: &[char], at: usize) -> usize {
    if text.get(at + 1) == Some(&'\\') {
        return at + 3 + text[at + 3..].iter().take_while(|letter| **letter != '\'').count() + 1;
    }
    if text.get(at + 2) == Some(&'\'') { at + 3 } else { at + 1 }
}

fn is_word(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}
