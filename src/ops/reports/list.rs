//! Finding reports.

use crate::access::{Actor, Operation};
use crate::base::{Date, Timestamp, Uid};
use crate::report::ReportStatus;
use crate::store::{DateTouches, Find, TokenIs};

use super::super::{Error, Ops, Page};
use super::{ReportVersion, object};

/// Which reports to list. All that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportQuery {
    /// Patient ID, of whatever issuer.
    pub patient_id: Option<String>,
    /// Study instance UID.
    pub study_instance_uid: Option<Uid>,
    /// Accession number.
    pub accession_number: Option<String>,
    /// Any of these states.
    pub status: Vec<ReportStatus>,
    /// Modality of the study.
    pub modality: Option<String>,
    /// Study date at or after.
    pub from: Option<Date>,
    /// Study date at or before.
    pub to: Option<Date>,
    /// Rows a page.
    pub limit: usize,
    /// Cursor of the page before.
    pub cursor: Option<String>,
}

impl Ops {
    /// Reports in their newest versions, the last changed first.
    pub async fn list_reports(&self, actor: &Actor, query: ReportQuery) -> Result<Page<ReportVersion>, Error> {
        self.authorize(actor, Operation::ReportList).await?;
        let mut unpaged = query.clone();
        (unpaged.cursor, unpaged.limit) = (None, 0);
        // The listing names its filters to the cursor; as a digest, because they are patient data.
        let listing = format!("reports {}", crate::base::Sha256::of(format!("{unpaged:?}").as_bytes()));
        let mut find = Find {
            tokens: tokens(&query),
            date: dates(&query),
            limit: i64::try_from(query.limit).unwrap_or(i64::MAX).saturating_add(1),
            ..Find::default()
        };
        find.after = self.place(actor, &listing, query.cursor.as_deref())?;
        let rows = self.desk(actor).find("DiagnosticReport", find).await?;
        let page = self.page(actor, &listing, rows, query.limit, |row| (row.last_updated, row.logical_id.clone()))?;
        let mut items = Vec::with_capacity(page.items.len());
        for row in &page.items {
            // A DiagnosticReport that did not come in as a report has no version of one.
            match self.load_report(actor, &row.logical_id, Some(row.version_id)).await {
                Ok(version) => items.push(version),
                Err(Error::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        self.note_read(actor, Operation::ReportList, items.iter().map(object).collect()).await?;
        Ok(Page { items, next: page.next })
    }
}

fn tokens(query: &ReportQuery) -> Vec<TokenIs> {
    let mut tokens = Vec::new();
    let mut add = |param: &str, system: Option<&str>, values: Vec<String>| {
        tokens.push(TokenIs { param: param.into(), system: system.map(str::to_owned), values });
    };
    if let Some(id) = &query.patient_id {
        add("patient:identifier", None, vec![id.clone()]);
    }
    if let Some(uid) = &query.study_instance_uid {
        add("imaging-study:identifier", Some("urn:dicom:uid"), vec![format!("urn:oid:{uid}")]);
    }
    if let Some(number) = &query.accession_number {
        add("based-on:identifier", None, vec![number.clone()]);
    }
    if let Some(modality) = &query.modality {
        add("modality", None, vec![modality.clone()]);
    }
    if !query.status.is_empty() {
        add("report-status", None, query.status.iter().map(|status| status.as_str().to_owned()).collect());
    }
    tokens
}

/// Study dates count as days in UTC, as the index has them.
fn dates(query: &ReportQuery) -> Option<DateTouches> {
    let midnight = |date: &Date| Timestamp::parse(&format!("{date}T00:00:00Z"));
    let from = query.from.as_ref().and_then(midnight);
    let until = query.to.as_ref().and_then(midnight).map(|at| at.plus_seconds(86_400));
    (from.is_some() || until.is_some()).then(|| DateTouches { param: "date".into(), from, until })
}
