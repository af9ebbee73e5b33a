//! Searches at a FHIR server, page by page. R4 http.html#paging: a link is followed as it is, but only to where
//! the server itself is, and never twice.

use std::collections::HashSet;

use url::Url;

use crate::fhir::Json;
use crate::remote::egress::HttpError;
use crate::remote::http::Outgoing;

use super::instance::{known, resource_of};
use super::retry::Twice;
use super::{FHIR_JSON, FhirError, FhirPeer, MAX_ANSWER_BYTES};

/// The pages of a search, from the first to the last.
pub struct Pages<'a> {
    peer: &'a FhirPeer,
    next: Option<Url>,
    seen: HashSet<Url>,
}

impl FhirPeer {
    /// Begins a search of a type. Parameters are pairs of name and value, not encoded.
    pub fn search<'a>(
        &self,
        resource_type: &str,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Pages<'_>, FhirError> {
        let mut url = self.http.url(&[known(resource_type)?]);
        url.query_pairs_mut().extend_pairs(pairs);
        if url.query() == Some("") {
            url.set_query(None);
        }
        Ok(Pages { peer: self, next: Some(url), seen: HashSet::new() })
    }
}

impl Pages<'_> {
    /// The next page, a Bundle of type searchset; nothing after the last one.
    pub async fn next(&mut self) -> Result<Option<Json>, FhirError> {
        let Some(url) = self.next.take() else { return Ok(None) };
        if self.seen.len() >= MOST_PAGES || !self.seen.insert(url.clone()) {
            return Err(HttpError::Unreadable("pages without end").into());
        }
        let request = Outgoing::get(url, FHIR_JSON, MAX_ANSWER_BYTES);
        let answer = self.peer.call(&request, Twice::Harmless).await?;
        let page = resource_of(&answer, "Bundle")?;
        if page.text_at(&["type"]) != Some("searchset") {
            return Err(HttpError::Unreadable("no searchset in answer to a search").into());
        }
        let link = page.items("link").iter().find(|link| link.text_at(&["relation"]) == Some("next"));
        self.next = match link.and_then(|link| link.text_at(&["url"])) {
            Some(link) => Some(self.follow(link)?),
            None => None,
        };
        Ok(Some(page))
    }

    /// The URL of a link. Whoever could send us elsewhere would get the token that is for this server.
    fn follow(&self, link: &str) -> Result<Url, FhirError> {
        let base = self.peer.http.url(&[]);
        // With a slash at its end, so that a relative link is one below the base.
        let mut folder = base.clone();
        folder.set_path(&format!("{}/", base.path().trim_end_matches('/')));
        let url = folder.join(link).map_err(|_not_url| HttpError::Unreadable("a link that is no URL"))?;
        let is_below = url.path() == base.path() || url.path().starts_with(folder.path());
        let has_no_user = url.username().is_empty() && url.password().is_none();
        if url.origin() == base.origin() && is_below && has_no_user {
            Ok(url)
        } else {
            Err(HttpError::Unreadable("a link to another server").into())
        }
    }
}

/// Pages of one search that are read.
const MOST_PAGES: usize = 1_000_000;
