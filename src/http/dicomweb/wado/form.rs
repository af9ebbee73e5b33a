//! In which transfer syntax something is sent. PS3.18 §8.7.3, §8.7.4.

use crate::dicom::pixel::{PixelEncoding, decodes};
use crate::dicom::transfer_syntax::Encoding;

use super::super::accept::{WantedBulk, WantedInstances};
use super::super::media::{OCTET_STREAM, Syntaxes, default_syntax, takes};
use super::recode;

/// How an instance is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InstanceForm<'a> {
    /// As it is stored.
    Stored,
    /// Recoded to this transfer syntax.
    Recoded(&'a str),
}

/// How frames are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FrameForm {
    /// As they are stored.
    Stored,
    /// As plain samples, little endian.
    Decoded,
    /// Compressed to this transfer syntax.
    Encoded(String),
}

/// The form of an instance that is stored in `stored`, by the first of `wanted` that can be served; of those that are
/// wanted as much, the stored one goes first. With it comes which of them it is.
pub(super) fn of_instance<'a>(
    stored: &str,
    wanted: &'a [WantedInstances],
) -> Option<(InstanceForm<'a>, &'a WantedInstances)> {
    let mut order: Vec<&WantedInstances> = wanted.iter().collect();
    let is_stored = |wanted: &WantedInstances| matches!(&wanted.syntaxes, Syntaxes::One(uid) if uid == stored);
    order.sort_by_key(|wanted| (std::cmp::Reverse(wanted.weight), !is_stored(wanted)));
    order.into_iter().find_map(|wanted| Some((instance(stored, &wanted.syntaxes)?, wanted)))
}

fn instance<'a>(stored: &str, syntaxes: &'a Syntaxes) -> Option<InstanceForm<'a>> {
    let explicit = || {
        if stored == EXPLICIT { InstanceForm::Stored } else { InstanceForm::Recoded(EXPLICIT) }
    };
    match syntaxes {
        // The two that the web does not know are no form of storage to speak of.
        Syntaxes::Any if !is_of_web(stored) => Some(explicit()),
        Syntaxes::Any => Some(InstanceForm::Stored),
        // What was compressed with loss is not made to look as if it were not, nor what cannot be decoded be kept back.
        Syntaxes::Default if PixelEncoding::lossy_method(stored).is_some() || !recode::can(stored, EXPLICIT) => {
            Some(InstanceForm::Stored)
        }
        Syntaxes::Default => Some(explicit()),
        Syntaxes::One(uid) if !is_of_web(uid) => None,
        Syntaxes::One(uid) if uid == stored => Some(InstanceForm::Stored),
        Syntaxes::One(uid) => recode::can(stored, uid).then_some(InstanceForm::Recoded(uid)),
    }
}

/// The form of frames that are stored in `stored`, by the first of `wanted` that can be served. The flag says that the
/// frame is sent as a single part.
pub(super) fn of_frames(stored: &str, count: usize, wanted: &[WantedBulk]) -> Option<(FrameForm, bool)> {
    let encoding = PixelEncoding::of_transfer_syntax(stored)?;
    wanted.iter().find_map(|wanted| {
        // A video has no frames of its own, but is one stream.
        let is_possible = !(wanted.is_single && count > 1) && (wanted.is_single || !encoding.is_video());
        let form = if is_possible { frames(stored, encoding, wanted) } else { None };
        Some((form?, wanted.is_single))
    })
}

fn frames(stored: &str, encoding: PixelEncoding, wanted: &WantedBulk) -> Option<FrameForm> {
    let is_native = matches!(
        encoding,
        PixelEncoding::Native
            | PixelEncoding::NativeBigEndian
            | PixelEncoding::Deflated
            | PixelEncoding::EncapsulatedNative
    );
    let decoded = || {
        if is_native { Some(FrameForm::Stored) } else { decodes(stored).then_some(FrameForm::Decoded) }
    };
    let own = encoding.media_type().to_ascii_lowercase();
    let to = |uid: &str| {
        if uid == EXPLICIT {
            decoded()
        } else if uid == stored && !is_native {
            Some(FrameForm::Stored)
        } else {
            recode::can(stored, uid).then(|| FrameForm::Encoded(uid.to_owned()))
        }
    };
    let is_any = wanted.media == "*/*";
    let is_bytes = takes(&wanted.media, OCTET_STREAM);
    match &wanted.syntaxes {
        Syntaxes::Any if is_bytes || takes(&wanted.media, &own) => Some(FrameForm::Stored),
        Syntaxes::Any => None,
        Syntaxes::Default if is_bytes => decoded().or(is_any.then_some(FrameForm::Stored)),
        Syntaxes::Default if wanted.media.ends_with("/*") => {
            (takes(&wanted.media, &own) && !is_native).then_some(FrameForm::Stored)
        }
        Syntaxes::Default => to(default_syntax(&wanted.media)?),
        Syntaxes::One(uid) => {
            let media = PixelEncoding::of_transfer_syntax(uid)?.media_type().to_ascii_lowercase();
            let is_meant = is_bytes || takes(&wanted.media, &media);
            if is_meant && is_of_web(uid) { to(uid) } else { None }
        }
    }
}

/// Whether web services may use it: neither Implicit VR Little Endian nor Explicit VR Big Endian. PS3.18 §8.7.3.5.
pub(super) fn is_of_web(uid: &str) -> bool {
    Encoding::of(uid).is_some_and(|encoding| !encoding.is_implicit && !encoding.is_big_endian)
}

/// Explicit VR Little Endian.
pub(super) const EXPLICIT: &str = "1.2.840.10008.1.2.1";

#[cfg(test)]
mod tests {
    use super::*;

    const IMPLICIT: &str = "1.2.840.10008.1.2";
    const BASELINE: &str = "1.2.840.10008.1.2.4.50";
    const LOSSLESS: &str = "1.2.840.10008.1.2.4.70";
    const RLE: &str = "1.2.840.10008.1.2.5";
    const VIDEO: &str = "1.2.840.10008.1.2.4.102";

    fn one(uid: &str) -> Syntaxes {
        Syntaxes::One(uid.to_owned())
    }

    #[test]
    fn an_instance_goes_out_as_it_is_wanted_or_not_at_all() {
        for (stored, syntaxes, form) in [
            (EXPLICIT, Syntaxes::Default, Some(InstanceForm::Stored)),
            (EXPLICIT, Syntaxes::Any, Some(InstanceForm::Stored)),
            (EXPLICIT, one(EXPLICIT), Some(InstanceForm::Stored)),
            (EXPLICIT, one(IMPLICIT), None),
            (IMPLICIT, Syntaxes::Any, Some(InstanceForm::Recoded(EXPLICIT))),
            (IMPLICIT, Syntaxes::Default, Some(InstanceForm::Recoded(EXPLICIT))),
            (IMPLICIT, one(IMPLICIT), None),
            (BASELINE, Syntaxes::Default, Some(InstanceForm::Stored)),
            (BASELINE, Syntaxes::Any, Some(InstanceForm::Stored)),
            (BASELINE, one(BASELINE), Some(InstanceForm::Stored)),
            (RLE, Syntaxes::Default, Some(InstanceForm::Recoded(EXPLICIT))),
            (VIDEO, Syntaxes::Default, Some(InstanceForm::Stored)),
            (VIDEO, one(EXPLICIT), None),
            (EXPLICIT, one("1.2.3"), None),
        ] {
            assert_eq!(instance(stored, &syntaxes), form, "{stored} {syntaxes:?}");
        }
    }

    #[test]
    fn of_what_is_wanted_as_much_the_stored_form_goes_first() {
        let wanted = |uid: &str, weight| WantedInstances { is_single: false, syntaxes: one(uid), weight };
        let both = [wanted(EXPLICIT, 1000), wanted(RLE, 1000)];
        assert_eq!(of_instance(RLE, &both), Some((InstanceForm::Stored, &both[1])));
        let ranked = [wanted(EXPLICIT, 1000), wanted(RLE, 900)];
        assert_eq!(of_instance(RLE, &ranked), Some((InstanceForm::Recoded(EXPLICIT), &ranked[0])));
        assert_eq!(of_instance(RLE, &[wanted(IMPLICIT, 1000)]), None);
    }

    #[test]
    fn frames_go_out_as_they_are_wanted_or_not_at_all() {
        let wanted = |media: &str, syntaxes| [WantedBulk { is_single: false, media: media.to_owned(), syntaxes }];
        for (stored, media, syntaxes, form) in [
            (EXPLICIT, OCTET_STREAM, Syntaxes::Default, Some(FrameForm::Stored)),
            (EXPLICIT, "image/jpeg", Syntaxes::Default, None),
            (EXPLICIT, "image/*", Syntaxes::Any, None),
            (IMPLICIT, OCTET_STREAM, Syntaxes::Any, Some(FrameForm::Stored)),
            (BASELINE, OCTET_STREAM, Syntaxes::Default, Some(FrameForm::Decoded)),
            (BASELINE, OCTET_STREAM, Syntaxes::Any, Some(FrameForm::Stored)),
            (BASELINE, "image/jpeg", Syntaxes::Default, None),
            (BASELINE, "image/jpeg", Syntaxes::Any, Some(FrameForm::Stored)),
            (BASELINE, "image/jpeg", one(BASELINE), Some(FrameForm::Stored)),
            (BASELINE, "image/jp2", one(BASELINE), None),
            (BASELINE, "*/*", Syntaxes::Default, Some(FrameForm::Decoded)),
            (LOSSLESS, "image/jpeg", Syntaxes::Default, Some(FrameForm::Stored)),
            (LOSSLESS, "image/*", Syntaxes::Default, Some(FrameForm::Stored)),
            (VIDEO, "*/*", Syntaxes::Any, None),
        ] {
            let found = of_frames(stored, 1, &wanted(media, syntaxes.clone())).map(|(form, _)| form);
            assert_eq!(found, form, "{stored} {media} {syntaxes:?}");
        }
        let single = [WantedBulk { is_single: true, media: OCTET_STREAM.to_owned(), syntaxes: Syntaxes::Default }];
        assert_eq!(of_frames(EXPLICIT, 1, &single), Some((FrameForm::Stored, true)));
        assert_eq!(of_frames(EXPLICIT, 2, &single), None);
        let stream = [WantedBulk { is_single: true, media: "video/mp4".to_owned(), syntaxes: Syntaxes::Default }];
        assert_eq!(of_frames(VIDEO, 1, &stream), Some((FrameForm::Stored, true)));
    }
}
