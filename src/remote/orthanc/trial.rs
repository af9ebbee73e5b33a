//! What `peer test` asks of an Orthanc.

use reqwest::header::HeaderValue;

use crate::remote::egress::HttpError;
use crate::remote::facts::MAX_LIST_BYTES;
use crate::remote::http::Outgoing;

use super::{JSON, OrthancPeer, read};

impl OrthancPeer {
    /// Whether the DICOMweb plugin is there.
    pub(in crate::remote) async fn has_dicomweb(&self) -> Result<bool, HttpError> {
        let plugins = self.get_json(&["plugins"]).await?;
        let plugins = plugins.as_array().ok_or(HttpError::Unreadable("no list of plugins"))?;
        Ok(plugins.iter().any(|plugin| plugin.as_str() == Some("dicom-web")))
    }

    /// Deletes a study; false if there is none of this UID.
    pub(in crate::remote) async fn remove_study(&self, study_uid: &str) -> Result<bool, HttpError> {
        let body = vec![study_uid.to_owned().into()];
        let content_type = HeaderValue::from_static("text/plain");
        let url = self.http.url(&["tools", "lookup"]);
        let found = self.http.send(&Outgoing::post(url, content_type, JSON, body, MAX_LIST_BYTES)).await?;
        let found = read(&found.into_success()?)?;
        let found = found.as_array().ok_or(HttpError::Unreadable("no list of resources"))?;
        let study = found.iter().find(|one| one.text_at(&["Type"]) == Some("Study"));
        let Some(id) = study.and_then(|study| study.text_at(&["ID"])) else { return Ok(false) };
        let request = Outgoing::get(self.http.url(&["studies", id]), JSON, MAX_LIST_BYTES).into_delete();
        self.http.send(&request).await?.into_success()?;
        Ok(true)
    }
}
