//! Measurement groups and numbers.

use crate::base::Decimal;
use crate::dicom::sr::{ContentItem, ItemValue};
use crate::dicom::value::{DecimalString, decimal_of_ds};

use super::super::super::model::{Concept, Finding, ImageRef, Laterality, Measurement};
use super::super::terms::{self, OWN_SCHEME};
use super::finding::image_of;
use super::{Reading, line, lines};

/// What the measurements of a group have in common.
#[derive(Default)]
struct Group {
    tracking_id: Option<String>,
    finding: Option<Concept>,
    body_site: Option<Concept>,
    laterality: Option<Laterality>,
    method: Option<Concept>,
    image: Option<ImageRef>,
    numbers: usize,
}

impl Reading<'_> {
    /// The container of measurement groups.
    pub(super) fn measurement_groups(&mut self, container: &ContentItem, position: &str) {
        for (index, child) in container.children.iter().enumerate() {
            let position = format!("{position}.{}", index + 1);
            match &child.value {
                ItemValue::Container { .. } => self.group(child, &position),
                ItemValue::Num(_) => self.number(child, &Group::default(), &position),
                _ => self.keep_as_text(child, &position),
            }
        }
    }

    fn group(&mut self, item: &ContentItem, position: &str) {
        let numbers = item.children.iter().filter(|child| matches!(child.value, ItemValue::Num(_)));
        let mut group = Group { numbers: numbers.clone().count(), ..Group::default() };
        let says_something = numbers.clone().any(|number| self.measured(number).is_some())
            || item.children.iter().any(|child| child.as_code().is_some() && child.is(terms::FINDING));
        if !says_something {
            self.keep_as_text(item, position);
            return;
        }
        let mut tracking_uid = None;
        let place = |index: usize| format!("{position}.{}", index + 1);
        for (index, child) in item.children.iter().enumerate() {
            let position = place(index);
            match &child.value {
                ItemValue::Num(_) => continue,
                ItemValue::Text(id) if child.is(terms::TRACKING_ID) && group.tracking_id.is_none() => {
                    group.tracking_id = Some(lines(id));
                }
                ItemValue::Uid(uid) if child.is(terms::TRACKING_UID) && tracking_uid.is_none() => {
                    tracking_uid = Some((uid, position.clone()));
                }
                ItemValue::Code(code) if child.is(terms::FINDING) && group.finding.is_none() => {
                    group.finding = Some(self.concept(code));
                }
                ItemValue::Code(code) if child.is(terms::MEASUREMENT_METHOD) && group.method.is_none() => {
                    group.method = Some(self.concept(code));
                }
                ItemValue::Code(_) if child.is(terms::FINDING_SITE) || child.is(terms::LATERALITY) => {
                    self.place(child, &position, &mut group.body_site, &mut group.laterality);
                    continue;
                }
                ItemValue::Scoord { .. } | ItemValue::Image(_) => {
                    let images = self.source(child, &position);
                    group.image = group.image.take().or_else(|| images.into_iter().next());
                    continue;
                }
                _ => {
                    self.keep_as_text(child, &position);
                    continue;
                }
            }
            self.keep_below(child, &position);
        }
        // We make the UID from the identifier; a stranger's says more.
        if let Some((uid, position)) = tracking_uid.filter(|_| !self.is_own) {
            if group.tracking_id.is_none() {
                group.tracking_id = Some(line(uid));
            } else {
                self.lose(&position, "is not carried: the tracking identifier stands for it");
            }
        }
        for (index, child) in item.children.iter().enumerate() {
            if matches!(child.value, ItemValue::Num(_)) {
                self.number(child, &group, &place(index));
            }
        }
        self.group_finding(group, position);
    }

    /// What a foreign group says that it measures is a finding of its own.
    fn group_finding(&mut self, group: Group, position: &str) {
        let Some(code) = group.finding else { return };
        self.lose(position, "says what was found; it stands among the findings");
        let id = group.tracking_id.unwrap_or_default();
        self.findings.push(Finding {
            id: self.finding_ids.take(id, 'f'),
            text: code.display.clone(),
            code: Some(code),
            body_site: group.body_site,
            laterality: group.laterality,
            severity: None,
            critical: false,
            images: group.image.into_iter().collect(),
        });
    }

    fn number(&mut self, item: &ContentItem, group: &Group, position: &str) {
        let (Some((value, unit)), Some(concept)) = (self.measured(item), &item.concept) else {
            self.keep_as_text(item, position);
            return;
        };
        let is_coined = concept.scheme == OWN_SCHEME;
        let mut measurement = Measurement {
            id: String::new(),
            code: (!is_coined).then(|| self.concept(concept)),
            label: line(if concept.meaning.is_empty() { &concept.value } else { &concept.meaning }),
            value,
            unit,
            body_site: None,
            laterality: None,
            method: group.method.clone(),
            tracking_id: None,
            image: group.image.clone(),
        };
        let mut image = None;
        let mut label = None;
        let mut own_method = None;
        for (index, child) in item.children.iter().enumerate() {
            let position = format!("{position}.{}", index + 1);
            match &child.value {
                ItemValue::Text(text) if child.is(terms::EQUIVALENT_MEANING) && label.is_none() => {
                    label = Some(lines(text));
                }
                ItemValue::Text(text) if child.is(terms::TRACKING_ID) && measurement.id.is_empty() => {
                    measurement.id = lines(text);
                }
                ItemValue::Text(_) if self.is_own && child.is(terms::EXACT_VALUE) => {}
                ItemValue::Uid(_) if child.is(terms::TRACKING_UID) => {}
                ItemValue::Code(code) if child.is(terms::MEASUREMENT_METHOD) && own_method.is_none() => {
                    own_method = Some(self.concept(code));
                }
                ItemValue::Code(_) if child.is(terms::FINDING_SITE) || child.is(terms::LATERALITY) => {
                    self.place(child, &position, &mut measurement.body_site, &mut measurement.laterality);
                    continue;
                }
                value if image_of(value).is_some() || matches!(value, ItemValue::Scoord { .. }) => {
                    let images = self.source(child, &position);
                    if images.len() + usize::from(image.is_some()) > 1 {
                        self.lose(&position, "refers to more than the one image that a measurement has");
                    }
                    image = image.or_else(|| images.into_iter().next());
                    continue;
                }
                _ => {
                    self.keep_as_text(child, &position);
                    continue;
                }
            }
            self.keep_below(child, &position);
        }
        measurement.label = label.unwrap_or(measurement.label);
        measurement.method = own_method.or(measurement.method);
        measurement.image = image.or(measurement.image);
        measurement.body_site = measurement.body_site.or_else(|| group.body_site.clone());
        measurement.laterality = measurement.laterality.or(group.laterality);
        self.identify(&mut measurement, group);
        self.measurements.push(measurement);
    }

    /// In our documents, the number in the group of a tracked lesion has an identifier of its own, and
    /// the group of an untracked measurement is named by its id.
    fn identify(&mut self, measurement: &mut Measurement, group: &Group) {
        let is_named_by_group = measurement.id.is_empty() && group.numbers <= 1;
        if is_named_by_group {
            measurement.id = group.tracking_id.clone().unwrap_or_default();
        }
        if !(is_named_by_group && self.is_own) {
            measurement.tracking_id.clone_from(&group.tracking_id);
        }
        measurement.id = self.measurement_ids.take(std::mem::take(&mut measurement.id), 'm');
    }

    /// All digits of a number and its UCUM unit; `None` where either is missing, or what was measured.
    fn measured(&self, item: &ContentItem) -> Option<(Decimal, String)> {
        let ItemValue::Num(number) = &item.value else { return None };
        item.concept.as_ref()?;
        let units = number.units.as_ref()?;
        let unit = match units.value.as_str() {
            "no units" => "1",
            unit => unit,
        };
        let is_unit = units.scheme == "UCUM" && (self.is_own || ucum::validate(unit).is_ok());
        let ds = number.value.as_deref()?;
        let exact = item.child(terms::EXACT_VALUE).filter(|_| self.is_own).and_then(ContentItem::as_text);
        let exact =
            exact.and_then(Decimal::parse).filter(|exact| DecimalString::of(exact).text == ds.trim_matches(' '));
        let value = exact.or_else(|| decimal_of_ds(ds))?;
        is_unit.then(|| (value, unit.to_owned()))
    }

    /// A number in the narrative of a foreign document: a measurement besides its text.
    pub(super) fn measured_in_text(&mut self, item: &ContentItem, position: &str) {
        if item.children.is_empty() && self.measured(item).is_some() {
            self.number(item, &Group::default(), position);
        }
    }

    /// The image behind coordinates, or the image itself. The coordinates have no place in a report.
    fn source(&mut self, item: &ContentItem, position: &str) -> Vec<ImageRef> {
        if let Some(image) = image_of(&item.value) {
            self.keep_below(item, position);
            return self.images(&image, position);
        }
        self.lose(position, "has coordinates that are not carried");
        let mut images = Vec::new();
        for (index, child) in item.children.iter().enumerate() {
            let position = format!("{position}.{}", index + 1);
            match image_of(&child.value) {
                Some(image) => {
                    images.extend(self.images(&image, &position));
                    self.keep_below(child, &position);
                }
                None => self.keep_as_text(child, &position),
            }
        }
        images
    }
}
