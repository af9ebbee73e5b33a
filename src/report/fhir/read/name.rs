//! HumanName to PersonName.

use crate::report::PersonName;

use super::trace::Element;

/// The name that these HumanNames make up: the first alphabetic one that is in use, and the ideographic
/// and phonetic forms. Names that are left out are not carried. Absent if there is no name at all.
pub(super) fn person_name<'t, 'a: 't>(names: impl Iterator<Item = Element<'t, 'a>>) -> Option<PersonName> {
    let mut alphabetic = Vec::new();
    let mut ideographic = None;
    let mut phonetic = None;
    for name in names {
        match representation(name) {
            Some("IDE") if ideographic.is_none() => ideographic = Some(group(name)),
            Some("SYL") if phonetic.is_none() => phonetic = Some(group(name)),
            Some("IDE" | "SYL") => {}
            _ => alphabetic.push(name),
        }
    }
    let preferred = ["official", "usual", ""];
    let chosen = preferred
        .iter()
        .find_map(|wanted| alphabetic.iter().find(|name| name.peek("use").unwrap_or_default() == *wanted))
        .or(alphabetic.first());
    if chosen.is_none() && ideographic.is_none() && phonetic.is_none() {
        return None;
    }
    let mut person = chosen.map(|name| components(*name)).unwrap_or_default();
    person.ideographic = ideographic.filter(|group| !group.is_empty());
    person.phonetic = phonetic.filter(|group| !group.is_empty());
    Some(person)
}

/// The parts of an alphabetic name; a name that has a text only becomes a family name.
fn components(name: Element<'_, '_>) -> PersonName {
    let family = name.text("family").unwrap_or_default().to_owned();
    let given = given(name);
    let prefix = joined(name, "prefix");
    let suffix = joined(name, "suffix");
    name.carry_child("use");
    let mut person = PersonName { family, given, prefix, suffix, ..PersonName::default() };
    if person == PersonName::default() {
        if let Some(text) = name.text("text") {
            text.clone_into(&mut person.family);
            name.remark("has no parts: its text is taken as the family name");
        }
    } else if name.peek("text") == Some(person.to_display().as_str()) {
        name.carry_child("text");
    }
    person
}

/// A component group as PN text.
fn group(name: Element<'_, '_>) -> String {
    name.carry_child("use");
    let family = name.text("family").unwrap_or_default().to_owned();
    let given = given(name);
    let (first, middle) =
        given.split_first().map_or(("", String::new()), |(first, rest)| (first.as_str(), rest.join(" ")));
    let prefix = joined(name, "prefix").unwrap_or_default();
    let suffix = joined(name, "suffix").unwrap_or_default();
    let group = [family.as_str(), first, middle.as_str(), prefix.as_str(), suffix.as_str()].join("^");
    let group = group.trim_end_matches('^');
    if group.is_empty() { name.text("text").unwrap_or_default().to_owned() } else { group.to_owned() }
}

/// Given names. Where the first of them is a middle name, or absent, an empty one takes its place.
fn given(name: Element<'_, '_>) -> Vec<String> {
    let parts: Vec<_> = name.children("given").collect();
    let notes: Vec<_> = name.children("_given").collect();
    let is_middle = |note: &Element<'_, '_>| {
        note.children("extension").any(|extension| {
            extension.peek("url") == Some("http://hl7.org/fhir/StructureDefinition/iso21090-EN-qualifier")
                && extension.peek("valueCode") == Some("MID")
        })
    };
    let mut given = Vec::new();
    if parts.len() == 1 && parts.iter().all(|part| part.json.as_str().is_none()) {
        return given;
    }
    if notes.first().is_some_and(is_middle) && parts.first().is_some_and(|part| part.json.as_str().is_some()) {
        given.push(String::new());
    }
    notes.iter().filter(|note| is_middle(note)).for_each(|note| note.carry());
    for part in parts {
        part.carry();
        if !given.is_empty() && part.json.as_str().is_some_and(|text| text.trim().contains(' ')) {
            part.remark("is carried as several given names");
        }
        given.push(part.json.as_str().unwrap_or_default().to_owned());
    }
    given
}

fn joined(name: Element<'_, '_>, key: &str) -> Option<String> {
    let parts: Vec<&str> = name
        .children(key)
        .filter_map(|part| {
            part.carry();
            part.json.as_str()
        })
        .collect();
    if parts.is_empty() { None } else { Some(parts.join(" ")) }
}

/// R4 extension-iso21090-en-representation.html.
fn representation<'a>(name: Element<'_, 'a>) -> Option<&'a str> {
    let found = name.children("extension").find(|extension| {
        extension.peek("url") == Some("http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation")
    })?;
    found.carry();
    found.peek("valueCode")
}
