//! Single requests, whose answers are looked at as they are: for finding out what a peer can do.

use crate::remote::egress::HttpError;
use crate::remote::http::{Answer, Outgoing, Preflight};

use super::json::data_sets;
use super::{DICOM_JSON, DicomwebPeer, PROBE_BYTES};

/// An answer of any status.
#[derive(Debug)]
pub(in crate::remote) struct Tried {
    /// Status code.
    pub(in crate::remote) status: u16,
    /// Body.
    pub(in crate::remote) body: bytes::Bytes,
}

impl From<Answer> for Tried {
    fn from(answer: Answer) -> Self {
        let Answer { status, body, .. } = answer;
        Self { status, body }
    }
}

impl DicomwebPeer {
    /// How many studies a search by this UID finds; 2 stands for more.
    pub(in crate::remote) async fn count_studies(&self, study_uid: &str) -> Result<usize, HttpError> {
        let request = Outgoing::get(self.http.url(&["studies"]), DICOM_JSON, PROBE_BYTES)
            .with_query([("StudyInstanceUID", study_uid), ("limit", "2")]);
        let answer = self.http.send(&request).await?.into_success()?;
        if answer.status == 204 { Ok(0) } else { data_sets(&answer.body).map(|studies| studies.len()) }
    }

    /// What a GET with this Accept gives.
    pub(in crate::remote) async fn try_get(&self, path: &[&str], accept: &'static str) -> Result<Tried, HttpError> {
        Ok(self.http.send(&Outgoing::get(self.http.url(path), accept, PROBE_BYTES)).await?.into())
    }

    /// DELETE of a study, which no standard has.
    pub(in crate::remote) async fn delete_study(&self, study_uid: &str) -> Result<Tried, HttpError> {
        let request = Outgoing::get(self.http.url(&["studies", study_uid]), DICOM_JSON, PROBE_BYTES).into_delete();
        Ok(self.http.send(&request).await?.into())
    }

    /// What a browser hears when a page of `origin` wants to search with a token.
    pub(in crate::remote) async fn preflight(&self, origin: &str) -> Result<Preflight, HttpError> {
        self.http.preflight(self.http.url(&["studies"]), origin).await
    }
}
