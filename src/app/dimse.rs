//! The settings of the DICOM listener, out of the configuration.

use crate::base::TenantId;
use crate::config::{self, CallerRight, ClientCertificate, Config};
use crate::dimse::{AnyCaller, Caller, Callers, DimseSettings, Place, Rights, TlsListener};

/// How the listener of a configuration works.
pub(super) fn settings(config: &Config) -> anyhow::Result<DimseSettings> {
    let dimse = &config.dimse;
    let tls = match (dimse.tls_listen.address(), &dimse.tls_certificate_file, &dimse.tls_key_file) {
        (None, ..) => None,
        (Some(listen), Some(certificate_file), Some(key_file)) => Some(TlsListener {
            listen,
            certificate_file: certificate_file.clone(),
            key_file: key_file.clone(),
            client_ca_file: dimse.tls_client_ca_file.clone(),
            client_may_be_unknown: dimse.tls_client_certificate == ClientCertificate::Optional,
        }),
        (Some(_), ..) => anyhow::bail!("dimse.tls_listen: there is no certificate or no key"),
    };
    Ok(DimseSettings {
        listen: dimse.listen.address(),
        tls,
        callers: callers(config)?,
        associations: usize::try_from(dimse.associations).unwrap_or(usize::MAX),
        associations_per_caller: usize::try_from(dimse.associations_per_caller).unwrap_or(usize::MAX),
        max_pdu_bytes: u32::try_from(dimse.max_pdu_bytes.0).unwrap_or(u32::MAX),
        association_bytes: dimse.association_bytes.0,
        artim: dimse.artim,
        idle: dimse.idle,
        message: dimse.message_timeout,
        send: dimse.send_timeout,
        max_matches: u64::from(dimse.max_matches),
        unknown_sop_classes: dimse.unknown_sop_classes,
        other_transfer_syntaxes: dimse.transfer_syntaxes.clone(),
    })
}

fn callers(config: &Config) -> anyhow::Result<Callers> {
    let own = (config.dimse.ae_title.clone(), TenantId::default_tenant());
    let others = config.titles.iter().map(|title| (title.ae_title.clone(), title.tenant.clone()));
    let mut entries = Vec::with_capacity(config.callers.len());
    for caller in &config.callers {
        let mut places = Vec::with_capacity(caller.addresses.len());
        for address in &caller.addresses {
            let place = Place::parse(address);
            places.push(place.ok_or_else(|| {
                anyhow::anyhow!(
                    "dimse.caller.addresses: one of {} is no address, network or host name",
                    caller.ae_title
                )
            })?);
        }
        let has = |right| caller.rights.contains(&right);
        entries.push(Caller {
            ae_title: caller.ae_title.clone(),
            places,
            rights: Rights {
                store: has(CallerRight::Store),
                find: has(CallerRight::Find),
                retrieve: has(CallerRight::Retrieve),
            },
        });
    }
    let any = match config.dimse.accept_any_caller {
        config::AnyCaller::No => AnyCaller::No,
        config::AnyCaller::Loopback => AnyCaller::Loopback,
        config::AnyCaller::Yes => AnyCaller::Yes,
    };
    Ok(Callers { titles: std::iter::once(own).chain(others).collect(), any, entries })
}
