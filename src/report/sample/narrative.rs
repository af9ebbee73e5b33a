//! The text of a sample, section by section, with the findings and measurements that it speaks of.

use crate::report::{ReportStatus, Sections, Sex};

use super::archive::Archive;
use super::content::{Content, Nodule, follow_up, has_follow_up};
use super::protocol::Protocol;
use super::rng::Rng;
use super::subject;
use super::tongue::TONGUES;

/// Text and content of a sample.
pub(super) struct Narrative {
    pub(super) sections: Sections,
    pub(super) content: Content,
    pub(super) language: Option<String>,
    views: &'static [&'static str],
}

impl Narrative {
    /// Draws the lesions and writes about them.
    pub(super) fn new(
        rng: &mut Rng,
        protocol: &Protocol,
        archive: &Archive,
        status: ReportStatus,
        sex: Option<Sex>,
    ) -> Self {
        let speaks_otherwise = has_nodule(protocol) && rng.chance(55);
        let mut narrative =
            if speaks_otherwise { in_tongue(rng, protocol, archive) } else { in_english(rng, protocol, archive, sex) };
        if status == ReportStatus::Draft && rng.chance(60) {
            narrative.sections.impression = None;
            narrative.sections.recommendations = None;
        }
        if status == ReportStatus::Appended {
            let findings = narrative.sections.findings.get_or_insert_default();
            // A report that came without findings gets its first ones.
            findings.push_str(if findings.is_empty() { "Addendum: " } else { "\n\nAddendum: " });
            findings.push_str(rng.phrase(ADDENDA));
        }
        narrative
    }

    /// A caption of a key image.
    pub(super) fn caption(&self, rng: &mut Rng) -> String {
        let noun = self.content.first_code().map_or("Overview", |code| code.display.as_str());
        format!("{noun}, {}", rng.phrase(self.views))
    }
}

/// The other languages speak of the chest only.
fn has_nodule(protocol: &Protocol) -> bool {
    protocol.modality == super::ct::CHEST.modality && protocol.site == super::ct::CHEST.site
}

fn in_tongue(rng: &mut Rng, protocol: &Protocol, archive: &Archive) -> Narrative {
    let tongue = rng.pick(TONGUES);
    let mut content = Content::default();
    if let Some(lesion) = protocol.lesions.first().filter(|_| rng.chance(70)) {
        let nodule = Nodule { sentence: tongue.nodule, impression: tongue.nodule_impression, axes: tongue.axes };
        content.add_nodule(rng, &nodule, lesion, archive);
    }
    let lines: Vec<&str> = content.sentences.iter().map(String::as_str).chain(tongue.normal.iter().copied()).collect();
    let prior = prior_date(rng);
    let sections = Sections {
        clinical_history: Some(tongue.history.to_owned()),
        technique: Some(tongue.technique.to_owned()),
        comparison: rng.chance(60).then(|| tongue.comparison.replace("{date}", &prior)),
        findings: Some(lines.join("\n")),
        impression: Some(numbered(&content.impressions).unwrap_or_else(|| tongue.clear.to_owned())),
        recommendations: rng.chance(60).then(|| tongue.advice.to_owned()),
    };
    Narrative { sections, content, language: Some(tongue.tag.to_owned()), views: views(protocol) }
}

fn in_english(rng: &mut Rng, protocol: &Protocol, archive: &Archive, sex: Option<Sex>) -> Narrative {
    let mut content = Content::default();
    let length = match rng.between(1, 10) {
        1 | 2 => Length::Short,
        3 if has_follow_up(protocol) => Length::Long,
        _ => Length::Usual,
    };
    let mut found: Vec<&str> = Vec::new();
    for _ in 0..rng.between(0, 3) {
        let lesion = rng.pick(protocol.lesions);
        if !found.contains(&lesion.noun) {
            found.push(lesion.noun);
            content.add_lesion(rng, lesion, archive);
        }
    }
    if !protocol.surveys.is_empty() && rng.chance(35) {
        let count = if rng.chance(30) { rng.between(61, 200) } else { rng.between(8, 60) };
        let survey = rng.pick(protocol.surveys);
        content.add_survey(rng, survey, count as usize, archive);
    }
    let prior = prior_date(rng);
    let findings = findings(rng, protocol, &content, length, sex, &prior);
    let impression = numbered(&content.impressions).unwrap_or_else(|| rng.phrase(protocol.clear).to_owned());
    let brief = length == Length::Short;
    let sections = Sections {
        clinical_history: (!brief || rng.chance(50)).then(|| rng.phrase(protocol.histories).to_owned()),
        technique: (!brief).then(|| technique(rng, protocol, &content)),
        comparison: rng.chance(60).then(|| match rng.between(1, 3) {
            1 => "None available.".to_owned(),
            _ => format!("{} of {prior}.", rng.phrase(protocol.descriptions)),
        }),
        findings: (!brief || !content.sentences.is_empty()).then_some(findings),
        impression: Some(impression),
        recommendations: rng.chance(50).then(|| rng.phrase(protocol.advice).to_owned()),
    };
    let language = rng.pick(&[None, Some("en"), Some("en-GB"), Some("en-US")]).map(str::to_owned);
    Narrative { sections, content, language, views: views(protocol) }
}

/// A technique that could show what was found.
fn technique(rng: &mut Rng, protocol: &Protocol, content: &Content) -> String {
    let able: Vec<&'static str> =
        protocol.techniques.iter().copied().filter(|technique| content.allows(technique)).collect();
    rng.phrase(if able.is_empty() { protocol.techniques } else { &able }).to_owned()
}

fn findings(
    rng: &mut Rng,
    protocol: &Protocol,
    content: &Content,
    length: Length,
    sex: Option<Sex>,
    prior: &str,
) -> String {
    let mut paragraphs: Vec<String> = Vec::new();
    if !content.sentences.is_empty() {
        paragraphs.push(content.sentences.join(" "));
    }
    if length != Length::Short {
        let mut normal: Vec<String> = Vec::new();
        for row in protocol.normal {
            let sentence = rng.phrase(row);
            if rng.chance(85) && content.allows(sentence) {
                normal.push(sentence.to_owned());
            }
        }
        let of_sex = match sex {
            Some(Sex::Female) => protocol.normal_women,
            Some(Sex::Male) => protocol.normal_men,
            Some(Sex::Other) | None => &[],
        };
        normal.extend(of_sex.first().map(|sentence| (*sentence).to_owned()));
        paragraphs.push(normal.join(if rng.chance(30) { "\n" } else { " " }));
    }
    if length == Length::Long {
        let count = rng.between(85, 105);
        paragraphs.extend((1..=count).filter_map(|number| follow_up(rng, protocol, number, prior)));
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    if paragraphs.is_empty() {
        paragraphs.push(rng.phrase(protocol.clear).to_owned());
    }
    paragraphs.join("\n\n")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    /// A line or two.
    Short,
    /// Organ by organ.
    Usual,
    /// About twelve pages.
    Long,
}

fn numbered(items: &[String]) -> Option<String> {
    match items {
        [] => None,
        [one] => Some(one.clone()),
        many => {
            let lines: Vec<String> = (1..).zip(many).map(|(number, item)| format!("{number}. {item}")).collect();
            Some(lines.join("\n"))
        }
    }
}

fn prior_date(rng: &mut Rng) -> String {
    subject::date(rng, 2015, 2018).map_or_else(|| "an earlier date".to_owned(), |date| date.to_string())
}

const ADDENDA: &[&str] = &[
    "the outside study has become available; there is no relevant change.",
    "the findings were discussed with the referring physician by telephone.",
    "the images were read again in the interdisciplinary conference, with the same result.",
];

/// What captions call the images of a modality.
fn views(protocol: &Protocol) -> &'static [&'static str] {
    match protocol.modality {
        "CT" | "MR" => &["axial", "coronal", "sagittal", "with measurement"],
        "MG" => &["CC view", "MLO view", "magnification view"],
        _ => &["overview", "detail", "with measurement"],
    }
}
