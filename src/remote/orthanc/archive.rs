//! Orthanc as the archive behind the gateway: its feed of changes, its instances one by one, and streams of files in
//! both directions. Orthanc 1.10 knows neither ranges of files nor changes that say what was deleted.

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::BoxStream;
use reqwest::header::HeaderValue;
use serde_json::json;

use crate::base::Uid;
use crate::fhir::Json;
use crate::remote::egress::HttpError;
use crate::remote::http::{Answer, Outgoing};

use super::{JSON, OrthancPeer, read};

/// A change of Orthanc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number; they grow.
    pub seq: i64,
    /// Its kind, as `NewInstance`.
    pub kind: String,
    /// Id of what was changed.
    pub id: String,
    /// When, in Orthanc's own time.
    pub date: String,
}

/// A page of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The changes in order.
    pub changes: Vec<Change>,
    /// Whether there are no further ones.
    pub is_last: bool,
}

/// A file that Orthanc sends.
pub struct OpenedFile {
    /// Its length, if Orthanc says it.
    pub length: Option<u64>,
    /// Its bytes.
    pub body: BoxStream<'static, Result<Bytes, HttpError>>,
}

/// What Orthanc made of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredAs {
    /// It is stored under this id.
    New(String),
    /// Orthanc holds a file of this id already, the same or another one.
    Present(String),
    /// Orthanc would not have it.
    Refused(&'static str),
}

impl Change {
    /// A text that tells this change from one of the same number in another database.
    pub fn mark(&self) -> String {
        format!("{} {} {} {}", self.seq, self.date, self.kind, self.id)
    }
}

impl OrthancPeer {
    /// `GET /changes`: those with numbers above `since`.
    pub async fn changes(&self, since: i64, limit: u32) -> Result<Changes, HttpError> {
        let url = self.http.url(&["changes"]);
        let (since, limit) = (since.to_string(), limit.to_string());
        let request = Outgoing::get(url, JSON, super::super::facts::MAX_LIST_BYTES);
        let request = request.with_query([("since", since.as_str()), ("limit", limit.as_str())]);
        let page = read(&self.http.send(&request).await?.into_success()?)?;
        let changes = page.items("Changes").iter().map(change).collect::<Option<Vec<_>>>();
        let is_last = page.get("Done").and_then(Json::as_bool);
        let (Some(changes), Some(is_last)) = (changes, is_last) else {
            return Err(HttpError::Unreadable("no changes of Orthanc"));
        };
        Ok(Changes { changes, is_last })
    }

    /// The number of its last change; 0 if there is none.
    pub async fn last_change(&self) -> Result<i64, HttpError> {
        let url = self.http.url(&["changes"]);
        let request = Outgoing::get(url, JSON, MAX_ANSWER_BYTES).with_query([("last", "")]);
        let page = read(&self.http.send(&request).await?.into_success()?)?;
        integer(page.get("Last")).ok_or(HttpError::Unreadable("no last change of Orthanc"))
    }

    /// How many instances it has.
    pub async fn count_instances(&self) -> Result<i64, HttpError> {
        let statistics = self.get_json(&["statistics"]).await?;
        integer(statistics.get("CountInstances")).ok_or(HttpError::Unreadable("no count of instances"))
    }

    /// The ids of the instances of some studies.
    pub async fn instances_of(&self, studies: &[Uid]) -> Result<Vec<String>, HttpError> {
        let uids: Vec<&str> = studies.iter().map(Uid::as_str).collect();
        let question =
            json!({ "Level": "Instance", "CaseSensitive": true, "Query": { "StudyInstanceUID": uids.join("\\") } });
        ids(&self.post_json(&["tools", "find"], &question).await?)
    }

    /// The ids of its instances from one place of its own order on.
    pub async fn list_instances(&self, from: usize, limit: usize) -> Result<Vec<String>, HttpError> {
        let (from, limit) = (from.to_string(), limit.to_string());
        let request = Outgoing::get(self.http.url(&["instances"]), JSON, super::super::facts::MAX_LIST_BYTES);
        let request = request.with_query([("since", from.as_str()), ("limit", limit.as_str())]);
        ids(&read(&self.http.send(&request).await?.into_success()?)?)
    }

    /// Whether it has an instance of this id.
    pub async fn has_instance(&self, id: &str) -> Result<bool, HttpError> {
        match self.get_json(&["instances", id]).await {
            Ok(_instance) => Ok(true),
            Err(HttpError::Status { status: 404, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The file of an instance from its first byte on; `None` if there is no such instance.
    pub async fn open_file(&self, id: &str) -> Result<Option<OpenedFile>, HttpError> {
        let url = self.http.url(&["instances", id, "file"]);
        let opened = self.http.open(&Outgoing::get(url, DICOM, usize::MAX)).await?;
        if opened.status == 404 {
            return Ok(None);
        }
        let opened = opened.into_success()?;
        Ok(Some(OpenedFile { length: opened.length, body: opened.body }))
    }

    /// Stores a file of `length` bytes.
    pub async fn store_file<S, E>(&self, length: u64, body: S) -> Result<StoredAs, HttpError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let content_type = HeaderValue::from_static(DICOM);
        let request = Outgoing::post(self.http.url(&["instances"]), content_type, JSON, Vec::new(), MAX_ANSWER_BYTES);
        let answer = self.http.send_streamed(&request, length, body).await?;
        match answer.status {
            // 404 says that a tag is missing which Orthanc identifies instances by.
            400 | 404 | 415 => return Ok(StoredAs::Refused("Orthanc cannot read the instance")),
            200 | 201 => {}
            _ => return Err(answer.to_error(None)),
        }
        stored_as(&answer)
    }

    /// Deletes an instance. `false` if there was none.
    pub async fn delete_instance(&self, id: &str) -> Result<bool, HttpError> {
        let request = Outgoing::delete(self.http.url(&["instances", id]), MAX_ANSWER_BYTES);
        let answer = self.http.send(&request).await?;
        if answer.status == 404 {
            return Ok(false);
        }
        answer.into_success().map(|_deleted| true)
    }
}

fn stored_as(answer: &Answer) -> Result<StoredAs, HttpError> {
    let body = read(answer)?;
    let id = body.text_at(&["ID"]).filter(|id| is_id(id)).map(str::to_owned);
    match (body.text_at(&["Status"]), id) {
        (Some("Success"), Some(id)) => Ok(StoredAs::New(id)),
        (Some("AlreadyStored"), Some(id)) => Ok(StoredAs::Present(id)),
        (Some("FilteredOut"), _) => Ok(StoredAs::Refused("Orthanc filtered the instance out")),
        _ => Err(HttpError::Unreadable("no status of a stored instance")),
    }
}

fn change(json: &Json) -> Option<Change> {
    Some(Change {
        seq: integer(json.get("Seq"))?,
        kind: json.text_at(&["ChangeType"])?.to_owned(),
        id: json.text_at(&["ID"])?.to_owned(),
        date: json.text_at(&["Date"])?.to_owned(),
    })
}

fn ids(json: &Json) -> Result<Vec<String>, HttpError> {
    let listed = json.as_array().ok_or(HttpError::Unreadable("no list of Orthanc"))?;
    let ids = listed.iter().map(|id| id.as_str().filter(|id| is_id(id)).map(str::to_owned));
    ids.collect::<Option<_>>().ok_or(HttpError::Unreadable("an id of Orthanc"))
}

fn integer(json: Option<&Json>) -> Option<i64> {
    json?.as_number()?.parse().ok()
}

/// Whether a text is an id of Orthanc: hexadecimal digits in groups.
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

const DICOM: &str = "application/dicom";
/// Greatest length of a short answer.
const MAX_ANSWER_BYTES: usize = 1 << 20;
