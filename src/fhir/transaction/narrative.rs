//! Links in the XHTML of a narrative: the values of `href` and `src`. Nothing else of it is changed.

/// The narrative with every link for which `target` gives another one; `None` if it stays as it is.
pub(super) fn rewrite(div: &str, mut target: impl FnMut(&str) -> Option<String>) -> Option<String> {
    if !div.contains("href") && !div.contains("src") {
        return None;
    }
    let mut out = String::with_capacity(div.len());
    let mut is_changed = false;
    let mut rest = div;
    while let Some(at) = rest.find('<') {
        let (text, markup) = rest.split_at(at);
        out.push_str(text);
        let comment = markup.strip_prefix("<!--").and_then(|inside| inside.find("-->"));
        rest = match comment {
            Some(end) => copy(markup, end + "<!---->".len(), &mut out),
            None => tag(markup, &mut out, &mut |url| {
                let changed = target(url);
                is_changed |= changed.is_some();
                changed
            }),
        };
    }
    out.push_str(rest);
    is_changed.then_some(out)
}

/// Copies a tag, the values of its links exchanged, and gives what follows it.
fn tag<'a>(markup: &'a str, out: &mut String, target: &mut dyn FnMut(&str) -> Option<String>) -> &'a str {
    let mut rest = markup;
    loop {
        let Some(at) = rest.find(['"', '\'', '>']) else { return copy(rest, rest.len(), out) };
        let before = rest.get(..at).unwrap_or_default();
        let Some(quote) = rest.get(at..=at).filter(|mark| *mark != ">") else { return copy(rest, at + 1, out) };
        let name = before.trim_end().trim_end_matches('=').trim_end().rsplit([' ', '\t', '\r', '\n']).next();
        rest = copy(rest, at + 1, out);
        let end = rest.find(quote).unwrap_or(rest.len());
        let value = rest.get(..end).unwrap_or_default();
        match name.filter(|name| matches!(*name, "href" | "src")).and_then(|_| target(value)) {
            Some(changed) => {
                out.push_str(&changed);
                rest = rest.get(end..).unwrap_or_default();
            }
            None => rest = copy(rest, end, out),
        }
        rest = copy(rest, quote.len().min(rest.len()), out);
    }
}

/// Copies that many bytes and gives what follows them.
fn copy<'a>(text: &'a str, length: usize, out: &mut String) -> &'a str {
    let (head, tail) = text.split_at_checked(length).unwrap_or((text, ""));
    out.push_str(head);
    tail
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn changed(div: &str) -> Option<String> {
        rewrite(div, |url| (url == "urn:uuid:1").then(|| "Patient/p".to_owned()))
    }

    #[test]
    fn only_links_are_changed() {
        assert_eq!(
            changed(
                r#"<div class="src"><a title="a > b" href="urn:uuid:1">urn:uuid:1</a> <img src = 'urn:uuid:1'/></div>"#
            )
            .as_deref(),
            Some(r#"<div class="src"><a title="a > b" href="Patient/p">urn:uuid:1</a> <img src = 'Patient/p'/></div>"#)
        );
        for same in [
            r#"<div>href="urn:uuid:1"</div>"#,
            r#"<div><!-- <a href="urn:uuid:1"/> --></div>"#,
            r#"<div><a name="urn:uuid:1" href="urn:uuid:2">x</a></div>"#,
            "<div>no href here</div>",
            r#"<a href="urn:uuid:1x"#,
        ] {
            assert_eq!(changed(same), None, "{same}");
        }
    }

    proptest! {
        #[test]
        fn what_is_no_link_is_kept(text in "(<a |href=|src=|\"|'|>|<!--|-->|urn:uuid:1| |é|x){0,12}") {
            prop_assert_eq!(rewrite(&text, |_| None), None);
            let copied = rewrite(&text, |url| Some(url.to_owned()));
            prop_assert_eq!(copied.as_deref().unwrap_or(&text), &text);
        }
    }
}
