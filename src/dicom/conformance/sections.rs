//! The sections whose tables are values of DICOM: keys of queries, transfer syntaxes, character sets.

use dicom_core::Tag;
use dicom_core::dictionary::{DataDictionary as _, DataDictionaryEntry as _};
use dicom_dictionary_std::{StandardDataDictionary, uids};

use crate::dicom::charset::TERMS;
use crate::dicom::dimse::{STORABLE_SYNTAXES, named_storage_classes};
use crate::dicom::part10::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME};
use crate::dicom::pixel::decodes;
use crate::dicom::query::{Key, KeyKind, Level};
use crate::dicom::transcode::{TargetSyntax, transcodes};
use crate::dicom::transfer_syntax::Encoding;

use super::Section;

/// Who says this, and how it names itself. PS3.2 §N.2, PS3.7 §D.3.3.2.
pub fn introduction() -> Section {
    Section::new("Introduction")
        .text(
            "This statement is made from the tables that run: what is not in it is not offered. Values that a site \
             can set are those of this server as it runs; its peers, callers and tenants are not in it.",
        )
        .table(
            IMPLEMENTATION,
            &["name", "value"],
            [
                ["Implementation Class UID".to_owned(), IMPLEMENTATION_CLASS_UID.to_owned()],
                ["Implementation Version Name".to_owned(), IMPLEMENTATION_VERSION_NAME.to_owned()],
            ],
        )
}

/// What is found by which attribute, and what is answered; `returned` says the latter for each level. PS3.4 §C.6, PS3.18
/// §10.6.
pub fn queries(returned: &[(Level, Vec<Tag>)]) -> Section {
    let keys = Key::ALL.iter().map(|key| {
        let path =
            key.sequence.map_or_else(|| named(key.tag), |sequence| format!("{} > {}", named(sequence), named(key.tag)));
        let is_unique = key.sequence.is_none() && Key::unique(key.level) == key.tag;
        let place = if is_unique { "unique" } else { "required or optional" };
        [level_name(key.level).to_owned(), path, place.to_owned(), matching(key.kind).to_owned()]
    });
    let attributes =
        returned.iter().flat_map(|(level, tags)| tags.iter().map(|tag| [level_name(*level).to_owned(), named(*tag)]));
    Section::new("Attributes of queries")
        .text(
            "C-FIND and QIDO-RS match by the same attributes in the same way. Zero length is universal matching. \
             C-FIND ignores keys that nothing is found by and says so with FF01H; QIDO-RS refuses them. Names of \
             persons match whatever their case. Of dates and times, ranges match.",
        )
        .table(KEYS, &["level", "attribute", "key", "matching"], keys)
        .text(
            "C-FIND answers with the attributes that were asked for, QIDO-RS also with these. Any attribute of the \
             header is answered that is asked for by name, except bulk data.",
        )
        .table(RETURNED, &["level", "attribute"], attributes)
}

/// Which transfer syntaxes are kept, decoded and converted. PS3.2 §N.1.
pub fn transformations() -> Section {
    let rows = Encoding::named().map(|(uid, name)| {
        let accepted = STORABLE_SYNTAXES.contains(&uid.as_str());
        let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
        let targets = TARGETS.iter().filter_map(|target| TargetSyntax::of_uid(target));
        let into: Vec<&str> =
            targets.filter(|target| target.uid() != uid && transcodes(&uid, *target)).map(TargetSyntax::uid).collect();
        [name.to_owned(), uid.clone(), yes(accepted), yes(true), yes(decodes(&uid)), into.join(", ")]
    });
    Section::new("Transfer syntaxes")
        .text(
            "Instances are kept as they come. Where a receiver wants another transfer syntax, they are converted while \
             they are sent; never a second time with loss.",
        )
        .table(
            TRANSFER_SYNTAXES,
            &["name", "UID", "C-STORE", "STOW-RS and import", "frames are decoded", "is converted to"],
            rows,
        )
}

/// Support of character sets. PS3.2 §N.1, PS3.3 §C.12.1.1.2.
pub fn character_sets() -> Section {
    Section::new("Character sets")
        .text(
            "Data sets are kept in the character set that they come in. What is searched for, shown, and answered as \
             JSON or by a query is Unicode in UTF-8 (ISO_IR 192). Keys of a query are read in the character set of \
             its identifier.",
        )
        .table(
            CHARACTER_SETS,
            &["defined term", "character set"],
            TERMS.iter().map(|(term, name)| [(*term).to_owned(), (*name).to_owned()]),
        )
}

/// The objects that are made here. PS3.2 §N.7.
pub fn created() -> Section {
    let made = [
        (uids::BASIC_TEXT_SR_STORAGE, "reports without measurements, TID 2000"),
        (uids::COMPREHENSIVE_SR_STORAGE, "reports with measurements, TID 1500"),
        (uids::KEY_OBJECT_SELECTION_DOCUMENT_STORAGE, "key images of a report, TID 2010"),
        (uids::ENCAPSULATED_PDF_STORAGE, "the page of a report, PDF/A-3b"),
    ];
    let rows = made.into_iter().filter_map(|(uid, what)| {
        let (_, name) = named_storage_classes().find(|(class, _)| class == uid)?;
        Some([name.to_owned(), uid.to_owned(), what.to_owned()])
    });
    Section::new("Created objects")
        .text("UIDs are of the form 2.25 (PS3.5 §B.2). There are no private attributes.")
        .table(CREATED, &["SOP class", "UID", "what"], rows)
}

/// Tag, and keyword where it has one.
fn named(tag: Tag) -> String {
    let keyword = StandardDataDictionary.by_tag(tag).map(|entry| format!(" {}", entry.alias())).unwrap_or_default();
    format!("({:04X},{:04X}){keyword}", tag.group(), tag.element())
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Patient => "patient",
        Level::Study => "study",
        Level::Series => "series",
        Level::Instance => "instance",
    }
}

fn matching(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Uid => "single value, list of UIDs",
        KeyKind::Text => "single value, wildcards; case counts",
        KeyKind::Name => "single value, wildcards, fuzzy; case does not count",
        KeyKind::Date | KeyKind::Time => "single value, range",
        KeyKind::Number => "single value",
    }
}

/// What instances are converted to.
const TARGETS: [&str; 5] = [
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.50",
];

pub(super) const IMPLEMENTATION: &str = "Implementation identifiers";
pub(super) const KEYS: &str = "Matching keys";
pub(super) const RETURNED: &str = "Attributes that are always answered by QIDO-RS";
pub(super) const TRANSFER_SYNTAXES: &str = "Transfer syntaxes";
pub(super) const CHARACTER_SETS: &str = "Character sets";
pub(super) const CREATED: &str = "Created objects";
