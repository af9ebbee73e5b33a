//! The sRGB profile of the output intent, written from its definition: IEC 61966-2-1 primaries and
//! curve, adapted to D50, as an ICC version 4 display profile (ISO 15076-1).

/// The profile.
pub(super) fn srgb() -> Vec<u8> {
    let curve = parametric_curve();
    let tags: [(&[u8; 4], Vec<u8>); 10] = [
        (b"desc", text("sRGB IEC61966-2.1")),
        (b"cprt", text("No copyright, use freely")),
        (b"wtpt", xyz(D50)),
        (b"chad", adaptation()),
        (b"rXYZ", xyz([28_576, 14_581, 912])),
        (b"gXYZ", xyz([25_239, 46_983, 6_361])),
        (b"bXYZ", xyz([9_375, 3_972, 46_788])),
        (b"rTRC", curve.clone()),
        (b"gTRC", curve.clone()),
        (b"bTRC", curve),
    ];
    let mut table = Vec::new();
    let mut data = Vec::new();
    let mut written: Vec<(Vec<u8>, usize)> = Vec::new();
    let data_start = HEADER + 4 + tags.len() * 12;
    push_u32(&mut table, tags.len());
    for (signature, element) in tags {
        // Equal elements, as the three curves, are stored once.
        let at = match written.iter().find(|(known, _)| *known == element) {
            Some((_, at)) => *at,
            None => {
                let at = data_start + data.len();
                data.extend_from_slice(&element);
                data.resize(data.len().next_multiple_of(4), 0);
                written.push((element.clone(), at));
                at
            }
        };
        table.extend_from_slice(signature);
        push_u32(&mut table, at);
        push_u32(&mut table, element.len());
    }
    let mut out = header(data_start + data.len());
    out.extend(table);
    out.extend(data);
    out
}

/// ISO 15076-1 §7.2.
fn header(size: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(size);
    push_u32(&mut out, size);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&[4, 0x20, 0, 0]);
    out.extend_from_slice(b"mntrRGB XYZ ");
    for part in [2026_u16, 1, 1, 0, 0, 0] {
        out.extend_from_slice(&part.to_be_bytes());
    }
    out.extend_from_slice(b"acsp");
    out.extend_from_slice(&[0; 28]);
    for value in D50 {
        out.extend_from_slice(&value.to_be_bytes());
    }
    out.resize(HEADER, 0);
    out
}

/// `mluc` with one record in American English. ISO 15076-1 §10.15.
fn text(words: &str) -> Vec<u8> {
    let units: Vec<u8> = words.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut out = b"mluc\0\0\0\0".to_vec();
    push_u32(&mut out, 1);
    push_u32(&mut out, 12);
    out.extend_from_slice(b"enUS");
    push_u32(&mut out, units.len());
    push_u32(&mut out, 28);
    out.extend(units);
    out
}

fn xyz(values: [i32; 3]) -> Vec<u8> {
    let mut out = b"XYZ \0\0\0\0".to_vec();
    push_i32(&mut out, &values);
    out
}

/// Bradford adaptation from D65 to D50.
fn adaptation() -> Vec<u8> {
    let mut out = b"sf32\0\0\0\0".to_vec();
    let matrix = [68_674, 1_502, -3_290, 1_939, 64_912, -1_118, -605, 988, 49_262];
    push_i32(&mut out, &matrix);
    out
}

/// `para` of type 3: `((x + 0.055) / 1.055) ^ 2.4` from 0.04045 on, `x / 12.92` below. ISO 15076-1
/// §10.18.
fn parametric_curve() -> Vec<u8> {
    let mut out = b"para\0\0\0\0\0\x03\0\0".to_vec();
    let parameters = [157_286, 62_119, 3_417, 5_072, 2_651];
    push_i32(&mut out, &parameters);
    out
}

fn push_i32(out: &mut Vec<u8>, values: &[i32]) {
    out.extend(values.iter().flat_map(|value| value.to_be_bytes()));
}

fn push_u32(out: &mut Vec<u8>, value: usize) {
    out.extend_from_slice(&u32::try_from(value).unwrap_or(u32::MAX).to_be_bytes());
}

/// The white point of the connection space, as `s15Fixed16Number`.
const D50: [i32; 3] = [63_190, 65_536, 54_061];

/// Length of a profile's header.
const HEADER: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_says_its_own_size_and_white_is_white() {
        let profile = srgb();
        assert_eq!(profile.len() % 4, 0);
        assert_eq!(u32::from_be_bytes(profile[..4].try_into().expect("four")) as usize, profile.len());
        assert_eq!(&profile[36..40], b"acsp");
        // The primaries add up to the white point.
        let sums = [28_576 + 25_239 + 9_375, 14_581 + 46_983 + 3_972, 912 + 6_361 + 46_788];
        assert_eq!(sums, D50);
    }
}
