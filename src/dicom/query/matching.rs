//! What it means to match, over values in memory. The SQL of the store is tested against it.

use std::collections::{BTreeMap, BTreeSet};

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use crate::base::Uid;

use super::super::element::{self, DataSet};
use super::{FoldedName, Key, KeyKind, MatchKey, Matching, Query, words};

/// What a query is compared with: the attributes of a match and of all that it lies in.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// Attributes of patient, study, series and instance, as far down as the level goes.
    pub attributes: &'a DataSet,
    /// Modalities of all series of the study.
    pub modalities: &'a BTreeSet<String>,
}

/// Whether everything that the query asks for holds.
pub fn matches(query: &Query, found: Found<'_>) -> bool {
    let keys = query.keys.iter().filter(|key| key.matching != Matching::Universal);
    let mut plain: Vec<(Key, &MatchKey)> = Vec::new();
    let mut inside: BTreeMap<Tag, Vec<(Key, &MatchKey)>> = BTreeMap::new();
    for key in keys {
        match Key::of_path(&key.path) {
            Some(known @ Key { sequence: Some(sequence), .. }) => {
                inside.entry(sequence).or_default().push((known, key));
            }
            Some(known) => plain.push((known, key)),
            None => return false,
        }
    }
    plain.into_iter().all(|(known, key)| holds(known, key, query.fuzzy, found))
        && inside.into_iter().all(|(sequence, keys)| holds_inside(sequence, &keys, found))
}

fn holds(known: Key, key: &MatchKey, fuzzy: bool, found: Found<'_>) -> bool {
    if known.tag == tags::MODALITIES_IN_STUDY {
        return match &key.matching {
            Matching::Empty => found.modalities.is_empty(),
            matching => found.modalities.iter().any(|modality| one(matching, known.kind, modality, fuzzy)),
        };
    }
    let value = element::text(found.attributes, known.tag).unwrap_or_default();
    one(&key.matching, known.kind, first(known.kind, &value), fuzzy)
}

/// One item has to fit all keys of its sequence. Without items there are no values.
fn holds_inside(sequence: Tag, keys: &[(Key, &MatchKey)], found: Found<'_>) -> bool {
    let items = element::items(found.attributes, sequence);
    if items.is_empty() {
        return keys.iter().all(|(_, key)| key.matching == Matching::Empty);
    }
    items.iter().any(|item| {
        keys.iter().all(|(known, key)| {
            let value = element::text(item, known.tag).unwrap_or_default();
            one(&key.matching, known.kind, &value, false)
        })
    })
}

/// Whether one value is what is asked for. An empty value is no value.
fn one(matching: &Matching, kind: KeyKind, value: &str, fuzzy: bool) -> bool {
    // What is no date, time or number is as if it were not there.
    let is_empty = match kind {
        KeyKind::Date => date(value).is_none(),
        KeyKind::Time => time_from(value).is_none(),
        KeyKind::Number => number(value).is_none(),
        KeyKind::Name => FoldedName::of(value).is_empty(),
        KeyKind::Uid | KeyKind::Text => value.is_empty(),
    };
    match matching {
        Matching::Universal => true,
        Matching::Empty => is_empty,
        _ if is_empty => false,
        Matching::Uids(uids) => uids.iter().map(Uid::as_str).any(|uid| uid == value),
        Matching::OneOf(values) => values.iter().any(|wanted| single(kind, wanted, value, fuzzy)),
        Matching::Single(wanted) => single(kind, wanted, value, fuzzy),
        Matching::Wildcard(pattern) => match kind {
            KeyKind::Name => name_matches(pattern, value, fuzzy),
            _ => glob(pattern, value),
        },
        Matching::Range { from, until } => in_range(kind, from.as_deref(), until.as_deref(), value),
    }
}

fn single(kind: KeyKind, wanted: &str, value: &str, fuzzy: bool) -> bool {
    match kind {
        KeyKind::Name => name_matches(wanted, value, fuzzy),
        KeyKind::Date | KeyKind::Time => in_range(kind, Some(wanted), Some(wanted), value),
        KeyKind::Number => number(wanted).is_some_and(|wanted| number(value) == Some(wanted)),
        KeyKind::Uid | KeyKind::Text => wanted == value,
    }
}

fn in_range(kind: KeyKind, from: Option<&str>, until: Option<&str>, value: &str) -> bool {
    let (value, from, until) = match kind {
        KeyKind::Time => (time_from(value), from.map(time_from), until.map(time_until)),
        _ => (date(value), from.map(date), until.map(date)),
    };
    let Some(value) = value else { return false };
    from.is_none_or(|from| from.is_some_and(|from| from <= value))
        && until.is_none_or(|until| until.is_some_and(|until| value <= until))
}

/// Whether a name is asked for: any of its groups where the question has one, each where it has more.
fn name_matches(wanted: &str, value: &str, fuzzy: bool) -> bool {
    let wanted_words = if fuzzy { words(wanted) } else { Vec::new() };
    if !wanted_words.is_empty() {
        let have = words(value);
        return wanted_words.iter().all(|word| have.iter().any(|other| other.starts_with(word.as_str())));
    }
    let (wanted_groups, groups) = (FoldedName::of(wanted).groups, FoldedName::of(value).groups);
    let fits = |wanted: &str, group: &str| !group.is_empty() && glob(wanted, group);
    if wanted.contains('=') {
        wanted_groups.iter().zip(&groups).all(|(wanted, group)| wanted.is_empty() || fits(wanted, group))
    } else {
        let [wanted, ..] = &wanted_groups;
        groups.iter().any(|group| fits(wanted, group))
    }
}

/// `*` stands for any characters, `?` for one. PS3.4 §C.2.2.2.4.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(character) = text.get(read) {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == character => {
                at += 1;
                read += 1;
            }
            _ => match &mut star {
                Some((place, taken)) => {
                    *taken += 1;
                    at = *place + 1;
                    read = *taken;
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|character| *character == '*'))
}

/// The value that counts of a text: the first one of several.
fn first(kind: KeyKind, value: &str) -> &str {
    match kind {
        KeyKind::Uid | KeyKind::Date | KeyKind::Time | KeyKind::Number => {
            value.split('\\').next().unwrap_or_default().trim()
        }
        KeyKind::Text | KeyKind::Name => value,
    }
}

/// An IS value.
pub fn number(text: &str) -> Option<i64> {
    text.trim_matches(' ').parse().ok()
}

/// A DA value as `YYYYMMDD`; the older form with full stops too. PS3.5 §6.2.
pub fn date(text: &str) -> Option<String> {
    let text = text.trim_matches(' ');
    let digits: String = if text.len() == 10 { text.replace('.', "") } else { text.to_owned() };
    let is_date = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let within =
        |range: std::ops::Range<usize>, most: &str| digits.get(range).is_some_and(|part| part != "00" && part <= most);
    (is_date && within(4..6, "12") && within(6..8, "31")).then_some(digits)
}

/// A TM value as it is, if it is one.
pub(super) fn time_text(text: &str) -> Option<String> {
    time_from(text)
}

/// The first instant that a TM value means, `HHMMSS.FFFFFF`. PS3.5 §6.2.
pub fn time_from(text: &str) -> Option<String> {
    time(text, '0', "000000")
}

/// The last instant that a TM value means: `10` goes up to `105959.999999`.
pub fn time_until(text: &str) -> Option<String> {
    time(text, '9', "235959")
}

fn time(text: &str, fraction_fill: char, fill: &str) -> Option<String> {
    let plain: String = text.trim_matches(' ').chars().filter(|character| *character != ':').collect();
    let (clock, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !matches!(clock.len(), 2 | 4 | 6) || !digits(clock) || !digits(fraction) || fraction.len() > 6 {
        return None;
    }
    if !fraction.is_empty() && clock.len() < 6 {
        return None;
    }
    let rest = fill.get(clock.len()..)?;
    // A leap second is 60 (PS3.5 §6.2).
    let is_time = clock.get(..2)? <= "23"
        && clock.get(2..4).is_none_or(|part| part <= "59")
        && clock.get(4..6).is_none_or(|part| part <= "60");
    is_time.then(|| {
        let missing: String = std::iter::repeat_n(fraction_fill, 6 - fraction.len()).collect();
        format!("{clock}{rest}.{fraction}{missing}")
    })
}

/// The tags that a path is made of, for messages.
pub(super) fn last(path: &[Tag]) -> Tag {
    path.last().copied().unwrap_or(Tag(0, 0))
}
