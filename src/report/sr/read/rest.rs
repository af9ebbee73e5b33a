//! Content that has no place of its own in a report, as lines of text: nothing that a person could read
//! in the document is lost.

use crate::dicom::sr::{ContentItem, ItemValue, NumericValue};

use super::super::super::model::{KeyImage, PersonName};
use super::{Reading, line, lines};

impl Reading<'_> {
    /// Keeps an item and all below it as text behind the findings.
    pub(super) fn keep_as_text(&mut self, item: &ContentItem, position: &str) {
        let text = self.as_lines(item, position);
        if !text.is_empty() {
            self.lose(position, "is kept as text in the findings");
            self.rest.extend(text);
        }
    }

    /// Keeps what is below an item that is read itself.
    pub(super) fn keep_below(&mut self, item: &ContentItem, position: &str) {
        for (index, below) in item.children.iter().enumerate() {
            self.keep_as_text(below, &format!("{position}.{}", index + 1));
        }
    }

    /// An item and all below it as lines, `concept: value`, indented by their depth. Images in it become
    /// key images. The walk is iterative: the tree is as deep as a stranger made it.
    pub(super) fn as_lines(&mut self, item: &ContentItem, position: &str) -> Vec<String> {
        let mut text = Vec::new();
        let mut open = vec![(item, 0_usize)];
        while let Some((item, depth)) = open.pop() {
            let name = item
                .concept
                .as_ref()
                .map(|concept| line(if concept.meaning.is_empty() { &concept.value } else { &concept.meaning }));
            let value = self.value_text(item, position);
            let indent = " ".repeat(depth.min(MAX_INDENT) * 2);
            match (name, value) {
                (Some(name), Some(value)) => text.push(format!("{indent}{name}: {value}")),
                (None, Some(value)) => text.push(format!("{indent}{value}")),
                (Some(name), None) if has_words(item) => text.push(format!("{indent}{name}:")),
                (Some(_) | None, None) => {}
            }
            open.extend(item.children.iter().rev().map(|child| (child, depth + 1)));
        }
        text
    }

    fn value_text(&mut self, item: &ContentItem, position: &str) -> Option<String> {
        match &item.value {
            ItemValue::Text(text) => Some(lines(text)),
            ItemValue::Code(code) => Some(line(if code.meaning.is_empty() { &code.value } else { &code.meaning })),
            ItemValue::Num(number) => number_text(number),
            ItemValue::PersonName(name) => {
                let name = line(name);
                Some(PersonName::from_pn(&name).map_or(name, |name| name.to_display()))
            }
            ItemValue::Date(text) | ItemValue::Time(text) | ItemValue::DateTime(text) | ItemValue::Uid(text) => {
                Some(line(text))
            }
            ItemValue::Image(image) => {
                let images = self.images(image, position);
                self.add_key_images(images.into_iter().map(|image| KeyImage { image, caption: None }));
                None
            }
            ItemValue::Composite(sop) | ItemValue::Waveform(sop, _) => Some(line(&sop.sop_instance_uid)),
            ItemValue::Scoord { .. } => {
                self.lose(position, "has coordinates that are not carried");
                None
            }
            ItemValue::Reference(_) => {
                self.lose(position, "has a reference within the document that is not carried");
                None
            }
            // The reader of the tree has noted it.
            ItemValue::Other { .. } => None,
            ItemValue::Container { .. } => None,
        }
    }

    /// Adds key images that are not there yet.
    pub(super) fn add_key_images(&mut self, images: impl Iterator<Item = KeyImage>) {
        for key in images {
            if self.key_instances.insert((key.image.sop_instance_uid.clone(), key.image.frame)) {
                self.key_images.push(key);
            }
        }
    }
}

/// A number with its unit, and why it is missing where it is.
fn number_text(number: &NumericValue) -> Option<String> {
    let meaning =
        |code: &crate::dicom::code::Code| line(if code.meaning.is_empty() { &code.value } else { &code.meaning });
    let unit = number.units.as_ref().map(|unit| line(&unit.value)).filter(|unit| unit != "1");
    let value = number.value.as_deref().map(line);
    let value = match (value, unit) {
        (Some(value), Some(unit)) => Some(format!("{value} {unit}")),
        (value, _) => value,
    };
    match (value, number.qualifier.as_ref().map(meaning)) {
        (Some(value), Some(qualifier)) => Some(format!("{value} ({qualifier})")),
        (value, qualifier) => value.or(qualifier),
    }
}

/// Whether anything in it would make a line of text.
fn has_words(item: &ContentItem) -> bool {
    !item.children.is_empty() && matches!(item.value, ItemValue::Container { .. })
}

/// Deeper items are not indented further, or a deep tree would be mostly spaces.
const MAX_INDENT: usize = 16;
