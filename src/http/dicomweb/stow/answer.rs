//! What the sender hears: the Store Instances Response module and the status. PS3.18 §10.5.3.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::base::{ProblemCode, Uid};
use crate::dicom::status::{StoreClass, StoreStatus};
use crate::http::HttpError;
use crate::ops;
use crate::ops::studies::Received;

use super::super::place;
use super::body::Outcome;

/// The answer that says what became of each part.
pub(super) fn answer(outcomes: Vec<Outcome>, base: &str, media_type: &str) -> Result<HttpResponse, HttpError> {
    let said = Said::of(outcomes, base);
    let status = said.status();
    let is_nothing = said.stored.is_empty();
    if let (true, Some(error)) = (is_nothing, said.stopped) {
        return Err(error.into());
    }
    if is_nothing && said.failed.is_empty() && said.others.is_empty() {
        return Err(HttpError::invalid("", ProblemCode::Required, "the request holds no instance"));
    }
    let mut body = Map::new();
    if let [study] = said.studies.as_slice() {
        body.insert(RETRIEVE_URL.into(), one("UR", json!(place::of_study(base, study))));
    }
    for (tag, items) in [(FAILED_SOPS, said.failed), (REFERENCED_SOPS, said.stored), (OTHER_FAILURES, said.others)] {
        if !items.is_empty() {
            body.insert(tag.into(), json!({"vr": "SQ", "Value": items}));
        }
    }
    Ok(HttpResponse::build(status).content_type(media_type).body(Value::Object(body).to_string()))
}

/// What is said of all parts.
struct Said {
    stored: Vec<Value>,
    failed: Vec<Value>,
    others: Vec<Value>,
    /// Studies that something was stored in, each once.
    studies: Vec<Uid>,
    has_warning: bool,
    /// Whether every failure is one of syntax.
    is_syntax: bool,
    /// What kept the archive from taking a part in.
    stopped: Option<ops::Error>,
}

impl Said {
    fn of(outcomes: Vec<Outcome>, base: &str) -> Self {
        let mut said = Self {
            stored: Vec::new(),
            failed: Vec::new(),
            others: Vec::new(),
            studies: Vec::new(),
            has_warning: false,
            is_syntax: true,
            stopped: None,
        };
        for outcome in outcomes {
            match outcome {
                Outcome::Answered(received) => said.take(&received, base),
                Outcome::Unreadable(status) => said.others.push(item([reason(FAILURE_REASON, status)])),
                Outcome::Stopped(error) => {
                    said.is_syntax = false;
                    said.others.push(item([reason(FAILURE_REASON, status_of(&error))]));
                    said.stopped = said.stopped.or(Some(error));
                }
            }
        }
        said
    }

    fn take(&mut self, received: &Received, base: &str) {
        let status = received.status;
        let Received { sop_class_uid, sop_instance_uid, .. } = received;
        let sop = sop_class_uid.as_ref().zip(sop_instance_uid.as_ref());
        let whole = sop.zip(received.study_instance_uid.as_ref().zip(received.series_instance_uid.as_ref()));
        if let (true, Some(((class, instance), (study, series)))) = (status.class().is_kept(), whole) {
            let url = place::of_instance(base, study, series, instance);
            let mut fields = vec![uid(SOP_CLASS_UID, class), uid(SOP_INSTANCE_UID, instance)];
            fields.push((RETRIEVE_URL, one("UR", json!(url))));
            if status.class() == StoreClass::Warning {
                self.has_warning = true;
                fields.push(reason(WARNING_REASON, status));
            }
            self.stored.push(item(fields));
            if !self.studies.contains(study) {
                self.studies.push(study.clone());
            }
            return;
        }
        self.is_syntax &= is_syntax(status);
        let Some((class, instance)) = sop else {
            self.others.push(item([reason(FAILURE_REASON, status)]));
            return;
        };
        let mut fields = vec![uid(SOP_CLASS_UID, class), uid(SOP_INSTANCE_UID, instance)];
        fields.push(reason(FAILURE_REASON, status));
        if let Some(comment) = received.comment {
            let attributes = json!({"vr": "SQ", "Value": [item([(ERROR_COMMENT, one("LO", json!(comment)))])]});
            fields.push((FAILED_ATTRIBUTES, attributes));
        }
        self.failed.push(item(fields));
    }

    /// PS3.18 Table 10.5.3-1.
    fn status(&self) -> StatusCode {
        let has_failure = !self.failed.is_empty() || !self.others.is_empty();
        match (self.stored.is_empty(), has_failure || self.has_warning) {
            (false, false) => StatusCode::OK,
            (false, true) => StatusCode::ACCEPTED,
            (true, _) if self.is_syntax => StatusCode::BAD_REQUEST,
            (true, _) => StatusCode::CONFLICT,
        }
    }
}

/// Whether it could not be read, rather than not be taken.
fn is_syntax(status: StoreStatus) -> bool {
    matches!(status.0, 0xC000..=0xCFFF) && status != StoreStatus::TRANSFER_SYNTAX_NOT_SUPPORTED
}

/// The reason of a part that the archive could not take in.
fn status_of(error: &ops::Error) -> StoreStatus {
    match error {
        ops::Error::Denied(_) => StoreStatus(0x0124),
        ops::Error::Busy(_) | ops::Error::NotReady(_) => StoreStatus::OUT_OF_RESOURCES,
        _ => StoreStatus::PROCESSING_FAILURE,
    }
}

fn item(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::Object(fields.into_iter().map(|(tag, value)| (tag.to_owned(), value)).collect())
}

fn one(vr: &str, value: Value) -> Value {
    let mut element = Map::new();
    element.insert("vr".to_owned(), vr.into());
    element.insert("Value".to_owned(), Value::Array(vec![value]));
    Value::Object(element)
}

fn uid(tag: &'static str, uid: &Uid) -> (&'static str, Value) {
    (tag, one("UI", json!(uid.as_str())))
}

fn reason(tag: &'static str, status: StoreStatus) -> (&'static str, Value) {
    (tag, one("US", json!(status.0)))
}

/// (0008,1150) Referenced SOP Class UID.
const SOP_CLASS_UID: &str = "00081150";
/// (0008,1155) Referenced SOP Instance UID.
const SOP_INSTANCE_UID: &str = "00081155";
/// (0008,1190) Retrieve URL.
const RETRIEVE_URL: &str = "00081190";
/// (0008,1196) Warning Reason.
const WARNING_REASON: &str = "00081196";
/// (0008,1197) Failure Reason.
const FAILURE_REASON: &str = "00081197";
/// (0008,1198) Failed SOP Sequence.
const FAILED_SOPS: &str = "00081198";
/// (0008,1199) Referenced SOP Sequence.
const REFERENCED_SOPS: &str = "00081199";
/// (0008,119A) Other Failures Sequence.
const OTHER_FAILURES: &str = "0008119A";
/// (0074,1048) Failed Attributes Sequence.
const FAILED_ATTRIBUTES: &str = "00741048";
/// (0000,0902) Error Comment.
const ERROR_COMMENT: &str = "00000902";

#[cfg(test)]
mod tests {
    use super::*;

    fn received(status: u16, study: Option<&str>) -> Outcome {
        let uid = |text: &str| Uid::parse(text).expect("valid");
        Outcome::Answered(Received {
            study_instance_uid: study.map(uid),
            series_instance_uid: study.map(|_| uid("1.3")),
            sop_class_uid: study.map(|_| uid("1.4")),
            sop_instance_uid: study.map(|_| uid("1.5")),
            status: StoreStatus(status),
            comment: (status != 0).then_some("because"),
            was_there: false,
        })
    }

    fn status(outcomes: Vec<Outcome>) -> u16 {
        let answered = answer(outcomes, "http://x/dicom-web", "application/dicom+json");
        answered.map_or_else(|error| error.status(), |response| response.status()).as_u16()
    }

    #[test]
    fn the_status_sums_up_what_became_of_the_parts() {
        let stored = || received(0, Some("1.2"));
        let warned = || received(0xB007, Some("1.2"));
        let failed = || received(0x0111, Some("1.2"));
        let broken = || received(0xC000, Some("1.2"));
        let garbage = || Outcome::Unreadable(StoreStatus::CANNOT_UNDERSTAND);
        let busy = || Outcome::Stopped(ops::Error::Busy("full".into()));
        for (outcomes, expected) in [
            (vec![stored(), stored()], 200),
            (vec![stored(), warned()], 202),
            (vec![stored(), failed()], 202),
            (vec![stored(), garbage()], 202),
            (vec![stored(), busy()], 202),
            (vec![garbage()], 400),
            (vec![broken(), received(0xC000, None)], 400),
            (vec![], 400),
            (vec![failed()], 409),
            (vec![failed(), garbage()], 409),
            (vec![received(0xC122, Some("1.2"))], 409),
            (vec![received(0xA901, Some("1.2"))], 409),
            (vec![busy(), garbage()], 503),
        ] {
            assert_eq!(status(outcomes), expected);
        }
    }

    #[test]
    fn each_instance_is_named_with_its_reason() {
        let said = Said::of(
            vec![
                received(0, Some("1.2")),
                received(0xB000, Some("1.2.1")),
                received(0x0111, Some("1.2")),
                received(0xC000, None),
            ],
            "http://x/dicom-web",
        );
        assert_eq!(said.studies.len(), 2);
        let url = "http://x/dicom-web/studies/1.2/series/1.3/instances/1.5";
        assert_eq!(said.stored[0][RETRIEVE_URL], json!({"vr": "UR", "Value": [url]}));
        assert_eq!(said.stored[0].as_object().map(Map::len), Some(3));
        assert_eq!(said.stored[1][WARNING_REASON]["Value"][0], 45056);
        assert_eq!(said.failed[0][FAILURE_REASON]["Value"][0], 273);
        assert_eq!(said.failed[0][FAILED_ATTRIBUTES]["Value"][0][ERROR_COMMENT]["Value"][0], "because");
        assert_eq!(said.others, [json!({FAILURE_REASON: {"vr": "US", "Value": [0xC000]}})]);
    }
}
