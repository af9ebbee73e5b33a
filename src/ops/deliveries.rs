//! Deliveries: renditions on their way to peers, in the state that the peers themselves have answered.

use std::collections::BTreeMap;

use crate::access::{Actor, Operation};
use crate::audit::{Object, ObjectKind};
use crate::base::{LogicalId, PeerName, ProblemCode, Problems, Timestamp, VersionId};
use crate::jobs::Lane;
use crate::remote::{PeerKind, PeerSettings};
use crate::report::{ReportStatus, Twin};
use crate::store::{Delivery, DeliveryChange, DeliveryFilter, DeliveryState, NewJob, StoreError, Write, WriteSet};

use super::reports::ReportVersion;
use super::{Error, Ops, Page};

/// The payload of a `change.dispatch` job.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DispatchPayload {
    /// Version of the payload.
    pub v: u8,
    /// The report.
    pub report: LogicalId,
    /// Its version.
    pub version: VersionId,
}

/// The payload of a `report.deliver` job: deliveries of one version to one peer.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliverPayload {
    /// Version of the payload.
    pub v: u8,
    /// The deliveries.
    pub deliveries: Vec<LogicalId>,
}

/// Which deliveries to list, and where to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryQuery {
    /// Filters; its `after` and `limit` are not used.
    pub filter: DeliveryFilter,
    /// Rows a page.
    pub limit: usize,
    /// Cursor of the page before.
    pub cursor: Option<String>,
}

impl Ops {
    /// Orders the newest version of a report for peers. No form named means those of each peer. What was
    /// ordered before for the same version, form and peer is not ordered again. Returns the deliveries of
    /// the version to these peers.
    pub async fn deliver(
        &self,
        actor: &Actor,
        report: &LogicalId,
        peers: &[PeerName],
        forms: &[Twin],
    ) -> Result<Vec<Delivery>, Error> {
        self.authorize(actor, Operation::ReportDeliver).await?;
        let written = self.load_report(actor, report, None).await?;
        let orders = self.plan(actor, &written, peers, forms).await?;
        let mut set = self.order(actor, &written, &orders);
        let mut event = self.event(actor, Operation::ReportDeliver);
        event = event.on(Object::resource("DiagnosticReport", report, Some(written.edition.version)));
        for peer in orders.keys() {
            event = event.on(Object::new(ObjectKind::Peer, peer.as_str()));
        }
        set.add(Write::Audit(event));
        self.desk(actor).commit(set).await?;
        let filter = DeliveryFilter { report: Some(report.clone()), limit: MOST, ..DeliveryFilter::default() };
        let mut deliveries = self.desk(actor).deliveries(filter).await?;
        deliveries.retain(|delivery| delivery.version == written.edition.version && peers.contains(&delivery.peer));
        Ok(deliveries)
    }

    /// Orders a version for the peers of every rule that speaks of its state.
    pub async fn dispatch(&self, actor: &Actor, payload: &DispatchPayload) -> Result<WriteSet, Error> {
        let written = self.load_report(actor, &payload.report, Some(payload.version)).await?;
        let mut set = WriteSet::new();
        for rule in self.all_rules(actor).await? {
            if !rule.is_about(written.report.status) {
                continue;
            }
            match self.plan(actor, &written, &rule.peers, &rule.twins()).await {
                Ok(orders) => set = set.and(self.order(actor, &written, &orders)),
                // A rule that cannot be followed is for the administrator to see; others still are.
                Err(error @ (Error::Invalid(_) | Error::Rule(_))) => {
                    tracing::error!(rule = %rule.name, %error, "delivery rule cannot be followed");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(set)
    }

    /// Deliveries, newest first.
    pub async fn deliveries(&self, actor: &Actor, query: DeliveryQuery) -> Result<Page<Delivery>, Error> {
        self.authorize(actor, Operation::DeliveryList).await?;
        let mut filter = query.filter;
        let listing = format!("deliveries {filter:?}");
        filter.after = self.place(actor, &listing, query.cursor.as_deref())?;
        filter.limit = i64::try_from(query.limit).unwrap_or(i64::MAX).saturating_add(1);
        if let Some(report) = &filter.report {
            self.desk(actor).resource("DiagnosticReport", report).await?.ok_or(Error::NotFound)?;
        }
        let rows = self.desk(actor).deliveries(filter).await?;
        self.note_read(actor, Operation::DeliveryList, Vec::new()).await?;
        self.page(actor, &listing, rows, query.limit, |delivery| (delivery.created_at, delivery.id.clone()))
    }

    /// Sends a delivery again that was refused or given up.
    pub async fn resend(&self, actor: &Actor, id: &LogicalId) -> Result<Delivery, Error> {
        self.authorize(actor, Operation::DeliveryResend).await?;
        self.desk(actor).delivery(id).await?.ok_or(Error::NotFound)?;
        let now = self.now();
        let set = WriteSet::new()
            .with(Write::Delivery(DeliveryChange::Resend { id: id.clone() }))
            .with(Write::Job(self.deliver_job(actor, vec![id.clone()], now)))
            .with(Write::Audit(
                self.event(actor, Operation::DeliveryResend).on(Object::new(ObjectKind::Delivery, id.as_str())),
            ));
        match self.desk(actor).commit(set).await {
            Err(StoreError::Gone) => return Err(Error::Conflict("only a refused or dead delivery can be sent again")),
            outcome => outcome?,
        }
        self.desk(actor).delivery(id).await?.ok_or(Error::NotFound)
    }

    /// Which forms go to which peers. Peers that do not exist and forms that a peer cannot take are
    /// named, all of them.
    async fn plan(
        &self,
        actor: &Actor,
        written: &ReportVersion,
        peers: &[PeerName],
        forms: &[Twin],
    ) -> Result<BTreeMap<PeerName, Vec<Twin>>, Error> {
        if written.report.status == ReportStatus::Draft {
            return Err(Error::Rule(Problems::one("status", ProblemCode::BusinessRule, "a draft is not delivered")));
        }
        let mut problems = Problems::new();
        if peers.is_empty() {
            problems.add("peers", ProblemCode::Required, "names no peer");
        }
        let mut orders = BTreeMap::new();
        for (index, name) in peers.iter().enumerate() {
            let Some(peer) = self.find_peer(actor, name).await? else {
                problems.add(format!("peers[{index}]"), ProblemCode::Value, "is not a known peer");
                continue;
            };
            let possible = forms_of(peer.kind);
            let named = if forms.is_empty() { usual_forms(&peer, written) } else { forms.to_vec() };
            let mut wanted: Vec<Twin> = Vec::with_capacity(named.len());
            for form in named {
                if !wanted.contains(&form) {
                    wanted.push(form);
                }
            }
            for (number, form) in forms.iter().enumerate() {
                if !possible.contains(form) {
                    problems.add(format!("formats[{number}]"), ProblemCode::Value, "is a form that a peer cannot take");
                }
            }
            orders.insert(name.clone(), wanted);
        }
        problems.into_result(orders).map_err(Error::Invalid)
    }

    fn order(&self, actor: &Actor, written: &ReportVersion, orders: &BTreeMap<PeerName, Vec<Twin>>) -> WriteSet {
        let now = self.now();
        let mut set = WriteSet::new();
        for (peer, forms) in orders {
            let mut ids = Vec::new();
            for twin in forms {
                let (report, version) = (&written.report.id, written.edition.version);
                // The id follows from what is ordered, so that the job of a second order finds the first.
                let id = LogicalId::derived(&[
                    "delivery",
                    actor.tenant.as_str(),
                    report.as_str(),
                    &version.to_string(),
                    twin.as_str(),
                    peer.as_str(),
                ]);
                ids.push(id.clone());
                set.add(Write::Delivery(DeliveryChange::Order(Delivery {
                    id,
                    report: report.clone(),
                    version,
                    twin: *twin,
                    peer: peer.clone(),
                    state: DeliveryState::Pending,
                    attempts: 0,
                    sop_instance_uid: None,
                    answer: None,
                    next_attempt_at: Some(now),
                    created_at: now,
                    updated_at: now,
                    finished_at: None,
                })));
            }
            set.add(Write::Job(self.deliver_job(actor, ids, now)));
        }
        set
    }

    fn deliver_job(&self, actor: &Actor, deliveries: Vec<LogicalId>, now: Timestamp) -> NewJob {
        let payload = DeliverPayload { v: 1, deliveries };
        NewJob {
            id: LogicalId::random(),
            kind: "report.deliver",
            lane: Lane::Deliver.as_str(),
            payload: serde_json::to_string(&payload).unwrap_or_default(),
            priority: 50,
            run_at: now,
            max_attempts: self.settings().delivery_attempts,
            dedup_key: None,
            parent_id: None,
            trace_id: Some(actor.request_id.as_str().to_owned()),
        }
    }
}

/// The forms that a kind of peer can take.
pub fn forms_of(kind: PeerKind) -> &'static [Twin] {
    match kind {
        PeerKind::Dimse | PeerKind::Dicomweb | PeerKind::Orthanc => {
            &[Twin::DicomSr, Twin::EncapsulatedPdf, Twin::KeyObject]
        }
        PeerKind::Fhir => &[Twin::Fhir],
    }
}

/// The forms that a peer gets where none is named: those of its settings, else SR and Encapsulated PDF,
/// and a Key Object Selection where there are key images, or the FHIR bundle.
fn usual_forms(peer: &PeerSettings, written: &ReportVersion) -> Vec<Twin> {
    if let Some(names) = &peer.formats {
        return names.iter().filter_map(|name| Twin::parse(name)).collect();
    }
    let has_key_images = !written.report.key_images.is_empty();
    forms_of(peer.kind).iter().copied().filter(|form| *form != Twin::KeyObject || has_key_images).collect()
}

/// Deliveries of one report that are shown at once.
const MOST: i64 = 1000;
