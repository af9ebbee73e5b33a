//! The drawn chest: ellipses of tissue, in Hounsfield units. Only integer arithmetic, so that every
//! machine draws the same pixels.

use super::NODULE_SLICE;

/// Rows and columns.
pub(super) const SIDE: u16 = 128;
/// Side of a pixel in mm, as DS.
pub(super) const PIXEL_MM: &str = "2.8";
/// Distance of slices in mm.
pub(super) const SLICE_MM: i32 = 5;
/// x and y of the centre of the first pixel in mm, as DS: half of 127 pixels off the middle.
pub(super) const CORNER_MM: &str = "-177.8";
/// Window centre in Hounsfield units.
pub(super) const WINDOW_CENTER: i32 = -400;
/// Window width in Hounsfield units.
pub(super) const WINDOW_WIDTH: i32 = 1500;
/// What is added to Hounsfield units so that stored values are not negative.
pub(super) const OFFSET: i32 = 1024;
/// Index of the pixel in the middle of the nodule.
#[cfg(test)]
pub(super) const NODULE_AT: usize = 56 * 128 + 36;

/// An ellipse in the plane of the slices, in tenths of a pixel from the first pixel.
struct Ellipse {
    x: i32,
    y: i32,
    a: i32,
    b: i32,
    /// What the axes lose with each slice away from the middle one.
    taper: i32,
    hounsfield: i32,
}

/// Later ones are drawn over earlier ones.
const TISSUES: [Ellipse; 10] = [
    // Body: fat, then muscle.
    Ellipse { x: 635, y: 640, a: 580, b: 430, taper: 4, hounsfield: -100 },
    Ellipse { x: 635, y: 640, a: 545, b: 395, taper: 4, hounsfield: 45 },
    // Rib cage as a ring of bone.
    Ellipse { x: 635, y: 630, a: 500, b: 350, taper: 4, hounsfield: 420 },
    Ellipse { x: 635, y: 630, a: 482, b: 332, taper: 4, hounsfield: 45 },
    // Lungs.
    Ellipse { x: 380, y: 600, a: 195, b: 270, taper: 12, hounsfield: -850 },
    Ellipse { x: 890, y: 600, a: 195, b: 270, taper: 12, hounsfield: -850 },
    // Heart, aorta.
    Ellipse { x: 700, y: 545, a: 165, b: 145, taper: 10, hounsfield: 55 },
    Ellipse { x: 715, y: 790, a: 48, b: 48, taper: 0, hounsfield: 60 },
    // Vertebra: cortex, marrow.
    Ellipse { x: 635, y: 890, a: 95, b: 80, taper: 0, hounsfield: 600 },
    Ellipse { x: 635, y: 890, a: 75, b: 60, taper: 0, hounsfield: 220 },
];

/// The middle of the nodule, in tenths of a pixel, and its radius: 6 px across 5 mm slices is 17 mm.
const NODULE: (i32, i32, i32) = (365, 565, 30);
const NODULE_HOUNSFIELD: i32 = 35;
const AIR: i32 = -1000;
/// Tenths of a pixel in a slice distance: 5 mm of 2.8 mm.
const SLICE_TENTHS: i32 = 18;

/// The pixels of a slice in Hounsfield units, row by row.
pub(super) fn hounsfield(slice: u8) -> Vec<i32> {
    let away = i32::from(slice) - i32::from(NODULE_SLICE);
    let side = i32::from(SIDE);
    let mut pixels = Vec::with_capacity(usize::from(SIDE) * usize::from(SIDE));
    for row in 0..side {
        for column in 0..side {
            // The mean of nine points within the pixel softens the edges.
            let sum: i32 =
                (0..9).map(|point| at(column * 10 + 2 + point % 3 * 3, row * 10 + 2 + point / 3 * 3, away)).sum();
            pixels.push(sum / 9 + noise(column, row, away));
        }
    }
    pixels
}

/// Tissue at a point in tenths of a pixel, `away` slices from the middle one.
fn at(x: i32, y: i32, away: i32) -> i32 {
    let tissue = TISSUES.iter().rev().find(|ellipse| {
        let taper = ellipse.taper * away.abs();
        let (a, b) = (i64::from(ellipse.a - taper), i64::from(ellipse.b - taper));
        let (dx, dy) = (i64::from(x - ellipse.x), i64::from(y - ellipse.y));
        dx * dx * b * b + dy * dy * a * a <= a * a * b * b
    });
    let (nodule_x, nodule_y, radius) = NODULE;
    let (dx, dy, dz) = (x - nodule_x, y - nodule_y, away * SLICE_TENTHS);
    if dx * dx + dy * dy + dz * dz <= radius * radius {
        return NODULE_HOUNSFIELD;
    }
    tissue.map_or(AIR, |tissue| tissue.hounsfield)
}

/// Grain between -16 and 15 that depends on the place alone.
fn noise(column: i32, row: i32, away: i32) -> i32 {
    let seed = column.wrapping_mul(73_856_093) ^ row.wrapping_mul(19_349_663) ^ away.wrapping_mul(83_492_791);
    let mixed = (seed ^ (seed >> 13)).wrapping_mul(1_274_126_177);
    ((mixed >> 16) & 31) - 16
}

/// The value that is stored for Hounsfield units.
pub(super) fn stored(hounsfield: i32) -> u16 {
    u16::try_from(hounsfield.saturating_add(OFFSET).max(0)).unwrap_or(u16::MAX)
}

/// The grey value of Hounsfield units in the window. PS3.3 §C.11.2.1.2.
pub(super) fn windowed(hounsfield: i32) -> u8 {
    let from_floor = hounsfield - (WINDOW_CENTER - WINDOW_WIDTH / 2);
    u8::try_from((from_floor * 255 / WINDOW_WIDTH).clamp(0, 255)).unwrap_or(u8::MAX)
}
