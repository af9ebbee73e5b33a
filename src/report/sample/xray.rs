//! Projection radiography: chest by CR and DX, mammography.

use super::protocol::{Lesion, Protocol, Spread, Survey, coded, left, place, plain, right};
use super::terms::{
    AXILLARY_NODE, BREAST, BREAST_MASS, CALCIFICATION_CLUSTER, CARDIOMEGALY, HEART, LONG_AXIS, LOWER_LOBE, OPACITY,
    PLEURAL_EFFUSION, PNEUMOTHORAX, SHORT_AXIS, THORAX, UPPER_LOBE,
};
use crate::report::Sex;

pub(super) const CHEST_CR: Protocol =
    Protocol { modality: "CR", sop_class: "1.2.840.10008.5.1.4.1.1.1", descriptions: &["Chest AP, bedside"], ..CHEST };

pub(super) const CHEST_DX: Protocol = CHEST;

const CHEST: Protocol = Protocol {
    modality: "DX",
    sop_class: "1.2.840.10008.5.1.4.1.1.1.1",
    loop_sop_class: None,
    descriptions: &["Chest PA and lateral", "XR Thorax p.a. und seitlich", "Chest PA"],
    site: THORAX,
    sex: None,
    histories: &[
        "Cough and fever for four days. Pneumonia?",
        "Check of central venous catheter position.",
        "Preoperative examination.",
        "Known heart failure, increasing dyspnoea.",
    ],
    techniques: &["Digital radiograph of the chest, 125 kV.", "Upright position, full inspiration."],
    normal: &[
        &["The lungs are clear.", "Coarse perihilar markings.", "Hyperinflated lungs with flat diaphragms."],
        &["The mediastinum is not widened.", "Elongated aorta with calcified arch."],
        &["The hila are of normal configuration.", "Prominent hila on both sides, vascular."],
        &["The costophrenic angles are sharp.", "Blunting of the left costophrenic angle, unchanged."],
        &["The imaged skeleton is intact.", "Spondylophytes of the thoracic spine."],
    ],
    normal_women: &[],
    normal_men: &[],
    lesions: &[
        Lesion {
            code: Some(OPACITY),
            noun: "opacity",
            places: &[
                right("right lower zone", LOWER_LOBE),
                left("left lower zone", LOWER_LOBE),
                right("right upper zone", UPPER_LOBE),
            ],
            sentences: &["Patchy opacity in the {place} over {size} with air bronchogram."],
            impressions: &["Opacity in the {place}, in keeping with pneumonia."],
            quantities: &[plain("extent", "mm", 0, Spread::Between(18, 131))],
            excludes: &["lungs are clear"],
            critical: false,
            graded: true,
        },
        Lesion {
            code: Some(CARDIOMEGALY),
            noun: "cardiomegaly",
            places: &[place("heart", HEART)],
            sentences: &["The {place} is enlarged, cardiothoracic ratio {size}."],
            impressions: &["Cardiomegaly, cardiothoracic ratio {size}."],
            quantities: &[plain("cardiothoracic ratio", "{ratio}", 2, Spread::Between(51, 68))],
            excludes: &["heart"],
            critical: false,
            graded: true,
        },
        Lesion {
            code: Some(PLEURAL_EFFUSION),
            noun: "pleural effusion",
            places: &[right("right pleural space", THORAX), left("left pleural space", THORAX)],
            sentences: &["Effusion in the {place}, rising {size} along the chest wall."],
            impressions: &["Effusion in the {place}."],
            quantities: &[plain("effusion height", "mm", 0, Spread::Between(9, 118))],
            excludes: &["pleura", "costophrenic"],
            critical: false,
            graded: true,
        },
        Lesion {
            code: Some(PNEUMOTHORAX),
            noun: "pneumothorax",
            places: &[right("right hemithorax", THORAX), left("left hemithorax", THORAX)],
            sentences: &["Pneumothorax of the {place}, apical distance {size}. The mediastinum is not shifted."],
            impressions: &["Pneumothorax of the {place} ({size}). The ward was told by telephone."],
            quantities: &[plain("apical distance", "mm", 1, Spread::Between(61, 489))],
            excludes: &["pneumothorax"],
            critical: true,
            graded: false,
        },
    ],
    surveys: &[],
    clear: &["No acute cardiopulmonary abnormality.", "Unremarkable radiograph of the chest."],
    advice: &["Follow-up radiograph in 6 weeks.", "CT of the chest if symptoms persist.", "None."],
};

pub(super) const MAMMOGRAPHY: Protocol = Protocol {
    modality: "MG",
    sop_class: "1.2.840.10008.5.1.4.1.1.1.2",
    loop_sop_class: None,
    descriptions: &["Mammography, bilateral, CC and MLO", "Mammographie beidseits", "MG diagnostic"],
    site: BREAST,
    sex: Some(Sex::Female),
    histories: &[
        "Screening, no complaints.",
        "Palpable lump at 2 o'clock in the left breast.",
        "Breast cancer of the mother at 47. Annual examination.",
    ],
    techniques: &["Full-field digital mammography in two planes (CC, MLO). AGD 1.2 mGy a view."],
    normal: &[
        &[
            "Breast composition: ACR category B, scattered fibroglandular tissue.",
            "Breast composition: ACR category C, heterogeneously dense.",
        ],
        &["Skin and nipples are unremarkable.", "No skin thickening, no nipple retraction."],
        &["Benign vascular calcifications.", "Single round benign calcifications on both sides."],
    ],
    normal_women: &[],
    normal_men: &[],
    lesions: &[
        Lesion {
            code: Some(BREAST_MASS),
            noun: "mass",
            places: &[
                left("upper outer quadrant of the left breast", BREAST),
                right("upper outer quadrant of the right breast", BREAST),
                right("lower inner quadrant of the right breast", BREAST),
            ],
            sentences: &[
                "Irregular mass with spiculated margins in the {place}, {size}.",
                "Oval circumscribed mass in the {place}, {size}.",
            ],
            impressions: &["Mass in the {place}, {size}. BI-RADS 4: biopsy is advised."],
            quantities: &[
                coded(LONG_AXIS, "long axis", "mm", 1, Spread::Between(41, 452)),
                coded(SHORT_AXIS, "short axis", "mm", 1, Spread::OfFirst(50, 97)),
                plain("nipple distance", "mm", 0, Spread::Between(12, 94)),
            ],
            excludes: &[],
            critical: false,
            graded: false,
        },
        Lesion {
            code: Some(CALCIFICATION_CLUSTER),
            noun: "calcifications",
            places: &[left("left breast, 3 o'clock", BREAST), right("right breast, 10 o'clock", BREAST)],
            sentences: &["Grouped fine pleomorphic calcifications ({place}) over {size}."],
            impressions: &["Grouped calcifications ({place}), {size}. BI-RADS 4: vacuum-assisted biopsy."],
            quantities: &[
                plain("extent", "mm", 1, Spread::Between(39, 612)),
                plain("number", "1", 0, Spread::Between(5, 64)),
            ],
            excludes: &[],
            critical: false,
            graded: false,
        },
    ],
    surveys: &[Survey {
        quantities: &[
            plain("volumetric density", "%", 2, Spread::Between(310, 3480)),
            plain("fibroglandular volume", "cm3", 2, Spread::Between(2210, 14_870)),
        ],
        places: &[
            left("left breast, CC", BREAST),
            left("left breast, MLO", BREAST),
            right("right breast, CC", BREAST),
            right("right breast, MLO", BREAST),
            right("right axilla", AXILLARY_NODE),
        ],
        follows_lesions: false,
        sentence: "Automated density readings of each view are listed in the table of measurements.",
    }],
    clear: &["No mammographic sign of malignancy. BI-RADS 1.", "Benign findings. BI-RADS 2."],
    advice: &["Next screening in 2 years.", "Targeted ultrasound.", "Stereotactic biopsy."],
};
