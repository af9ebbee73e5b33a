//! Language tags.

/// Whether a tag is well-formed by RFC 5646 §2.1. The irregular grandfathered tags (`i-klingon`) are not
/// taken: none of them names a language that a report is written in.
pub(super) fn is_well_formed(tag: &str) -> bool {
    let subtags: Vec<&str> = tag.split('-').collect();
    let sound = |subtag: &&str| (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric());
    if tag.len() > MAX_LENGTH || !subtags.iter().all(sound) {
        return false;
    }
    let mut rest = subtags.as_slice();
    if !is_private(rest) {
        let Some(after) = language(rest) else { return false };
        rest = after;
        rest = skip(rest, 1, |subtag| is_alpha(subtag) && subtag.len() == 4);
        rest = skip(rest, 1, |subtag| match subtag.len() {
            2 => is_alpha(subtag),
            3 => subtag.bytes().all(|b| b.is_ascii_digit()),
            _ => false,
        });
        rest = skip(rest, usize::MAX, |subtag| {
            subtag.len() >= 5 || (subtag.len() == 4 && subtag.starts_with(|first: char| first.is_ascii_digit()))
        });
        while let Some(after) = extension(rest) {
            rest = after;
        }
    }
    rest.is_empty() || is_private(rest)
}

/// The longest tag that RFC 5646 §4.4.1 expects.
const MAX_LENGTH: usize = 35;

fn language<'a, 't>(subtags: &'a [&'t str]) -> Option<&'a [&'t str]> {
    let (first, rest) = subtags.split_first()?;
    if !is_alpha(first) || first.len() < 2 {
        return None;
    }
    let extended = first.len() <= 3;
    Some(if extended { skip(rest, 3, |subtag| is_alpha(subtag) && subtag.len() == 3) } else { rest })
}

fn extension<'a, 't>(subtags: &'a [&'t str]) -> Option<&'a [&'t str]> {
    let (singleton, rest) = subtags.split_first()?;
    if singleton.len() != 1 || singleton.eq_ignore_ascii_case("x") {
        return None;
    }
    let after = skip(rest, usize::MAX, |subtag| subtag.len() >= 2);
    (after.len() < rest.len()).then_some(after)
}

fn is_private(subtags: &[&str]) -> bool {
    subtags.split_first().is_some_and(|(first, rest)| first.eq_ignore_ascii_case("x") && !rest.is_empty())
}

/// What follows at most `limit` subtags that fit.
fn skip<'a, 't>(subtags: &'a [&'t str], limit: usize, fits: impl Fn(&str) -> bool) -> &'a [&'t str] {
    let count = subtags.iter().take(limit).take_while(|subtag| fits(subtag)).count();
    subtags.get(count..).unwrap_or_default()
}

fn is_alpha(subtag: &str) -> bool {
    subtag.bytes().all(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_follow_rfc_5646() {
        for good in [
            "en",
            "de-DE",
            "zh-Hant-TW",
            "sl-rozaj-biske",
            "de-CH-1901",
            "es-419",
            "zh-cmn-Hans-CN",
            "en-a-myext-b-other",
            "x-whatever",
            "en-x-a-b",
            "sr-Latn-RS",
            "yue",
            "hy-Latn-IT-arevela",
            "ar",
        ] {
            assert!(is_well_formed(good), "{good}");
        }
        for bad in [
            "",
            "e",
            "en_US",
            "en-",
            "-en",
            "en--US",
            "de-419-DE",
            "a-DE",
            "ar-a-",
            "en-a",
            "x",
            "en-x",
            "englishes1",
            "12",
            "deutsch-und-so-weiter-und-so-fort-immerzu",
            "日本",
        ] {
            assert!(!is_well_formed(bad), "{bad}");
        }
    }
}
