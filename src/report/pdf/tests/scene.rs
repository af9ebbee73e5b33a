//! What the tests render, and a reader of the pages that come out: codes to text by ToUnicode and
//! ActualText, one line of text for each text object.

use lopdf::content::Content;
use lopdf::{Dictionary, Document, Object, ObjectId};
use printpdf::ToUnicodeCMap;

use crate::base::{LogicalId, Sha256, TenantId, Timestamp, VersionId};
use crate::dicom::study::StudyFacts;
use crate::report::edition::KeyImagePixels;
use crate::report::pdf::{Embedded, PdfError, render, render_strict};
use crate::report::{Edition, Letterhead, Losses, Rendered, Rendering, Report, ReportLimits, ReportStatus, read};

/// A report with its edition and letterhead.
pub(super) struct Scene {
    pub(super) report: Report,
    pub(super) edition: Edition,
    pub(super) letterhead: Letterhead,
    pub(super) images: Vec<KeyImagePixels>,
    pub(super) missing: Losses,
}

impl Scene {
    /// A verified report with findings, measurements and key images.
    pub(super) fn chest() -> Self {
        Self::of(include_bytes!("../../../../fixtures/report/ct-chest-nodule-final.json"))
    }

    pub(super) fn of(json: &[u8]) -> Self {
        let id = LogicalId::parse("test").expect("id");
        let report = read::read_bytes(json, &id, &ReportLimits::default()).expect("a valid report");
        let recorded_at = Timestamp::parse("2026-02-03T04:05:06.789Z").expect("instant");
        let edition = Edition {
            tenant: TenantId::parse("default").expect("tenant"),
            version: VersionId::FIRST,
            recorded_at,
            verified_at: report.status.is_verified().then_some(recorded_at),
            predecessor: None,
            reason: None,
        };
        let letterhead = Letterhead {
            organization: "Example Hospital".to_owned(),
            lines: vec!["1 Hospital Road".to_owned()],
            ..Letterhead::default()
        };
        Self { report, edition, letterhead, images: Vec::new(), missing: Losses::new() }
    }

    /// The same with one section, and nothing else that the report need not have.
    pub(super) fn with_findings(text: &str) -> Self {
        let mut scene = Self::chest();
        scene.report.sections = crate::report::Sections { findings: Some(text.to_owned()), ..Default::default() };
        scene.report.structured_findings.clear();
        scene.report.measurements.clear();
        scene.report.key_images.clear();
        scene
    }

    pub(super) fn in_state(mut self, status: ReportStatus) -> Self {
        self.report.status = status;
        if !status.is_verified() {
            self.edition.verified_at = None;
        }
        self
    }

    pub(super) fn digest() -> Sha256 {
        Sha256::of(b"content")
    }

    pub(super) fn try_render(&self, embedded: &[Embedded<'_>]) -> Result<Rendered, PdfError> {
        self.with(|rendering| render(rendering, embedded))
    }

    pub(super) fn try_render_strict(&self) -> Result<Rendered, PdfError> {
        self.with(|rendering| render_strict(rendering, &[]))
    }

    pub(super) fn render(&self) -> Rendered {
        self.try_render(&[]).expect("renders")
    }

    pub(super) fn pages(&self) -> Vec<Vec<String>> {
        pages(&self.render().bytes)
    }

    fn with<T>(&self, run: impl Fn(&Rendering<'_>) -> T) -> T {
        run(&Rendering {
            report: &self.report,
            edition: &self.edition,
            content_digest: Self::digest(),
            study: &StudyFacts::default(),
            letterhead: &self.letterhead,
            images: &self.images,
            missing: &self.missing,
            public_url: "https://gateway.example.org",
        })
    }
}

/// The text objects of each page, in the order in which they are drawn.
pub(super) fn pages(pdf: &[u8]) -> Vec<Vec<String>> {
    let document = Document::load_mem(pdf).expect("a PDF");
    document.page_iter().map(|page| lines(&document, page)).collect()
}

fn lines(document: &Document, page: ObjectId) -> Vec<String> {
    let page = document.get_dictionary(page).expect("a page");
    let resources = page.get_deref(b"Resources", document).and_then(Object::as_dict).expect("resources");
    let fonts = resources.get_deref(b"Font", document).and_then(Object::as_dict).expect("fonts");
    let contents = page.get_deref(b"Contents", document).and_then(Object::as_stream).expect("contents");
    let content = Content::decode(&contents.get_plain_content().expect("content")).expect("operators");
    let mut out = Vec::new();
    let mut line = String::new();
    let mut font: Option<ToUnicodeCMap> = None;
    let mut is_replaced = false;
    for operation in content.operations {
        match operation.operator.as_str() {
            "BT" => line.clear(),
            "ET" => out.push(std::mem::take(&mut line)),
            "Tf" => font = Some(to_unicode(document, fonts, operation.operands[0].as_name().expect("a name"))),
            "BDC" => {
                let text = operation.operands[1].as_dict().expect("properties").get(b"ActualText").expect("text");
                line.push_str(&utf16(text.as_str().expect("a string")));
                is_replaced = true;
            }
            "EMC" => is_replaced = false,
            "TJ" if !is_replaced => {
                for item in operation.operands[0].as_array().expect("an array") {
                    let Ok(code) = item.as_str() else { continue };
                    let code = u32::from(u16::from_be_bytes(code.try_into().expect("two bytes")));
                    let text = font.as_ref().and_then(|font| font.lookup_string(code));
                    line.push_str(&text.expect("a code with a text"));
                }
            }
            _ => {}
        }
    }
    out
}

fn to_unicode(document: &Document, fonts: &Dictionary, name: &[u8]) -> ToUnicodeCMap {
    let font = fonts.get_deref(name, document).and_then(Object::as_dict).expect("a font");
    let stream = font.get_deref(b"ToUnicode", document).and_then(Object::as_stream).expect("ToUnicode");
    let text = String::from_utf8(stream.get_plain_content().expect("content")).expect("text");
    ToUnicodeCMap::parse(&text).expect("a character map")
}

pub(super) fn utf16(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes[2..].chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    String::from_utf16(&units).expect("UTF-16")
}
