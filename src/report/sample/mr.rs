//! Magnetic resonance: brain, lumbar spine, knee.

use super::protocol::{Lesion, Protocol, Spread, Survey, both, coded, left, place, plain, right};
use super::terms::{
    BRAIN, CEREBRAL_INFARCTION, DEPTH, DIFFUSION, DISC_L3_L4, DISC_L4_L5, DISC_L5_S1, FRONTAL_LOBE, HIPPOCAMPUS, KNEE,
    LATERAL_VENTRICLE, LENGTH, LESION, LONG_AXIS, LUMBAR_SPINE, MENISCUS, OCCIPITAL_LOBE, PARIETAL_LOBE, SHORT_AXIS,
    TEMPORAL_LOBE, VOLUME,
};

const MR_IMAGE: &str = "1.2.840.10008.5.1.4.1.1.4";

pub(super) const BRAIN_PROTOCOL: Protocol = Protocol {
    modality: "MR",
    sop_class: MR_IMAGE,
    loop_sop_class: None,
    descriptions: &["MR Brain with and without contrast", "MRT Schädel", "MR brain, volumetry"],
    site: BRAIN,
    sex: None,
    histories: &[
        "Multiple sclerosis since 2014, on ocrelizumab. New lesions?",
        "Glioblastoma after resection and radiochemotherapy. Follow-up.",
        "Memory decline over two years. Atrophy pattern?",
        "Transient aphasia yesterday evening.",
    ],
    techniques: &[
        "3 T. Sagittal 3D FLAIR, 3D T1 before and after 7.5 mmol of gadobutrol, axial T2, diffusion (b 0 and 1000 s/mm²), susceptibility-weighted imaging.",
        "1.5 T. T1, T2, FLAIR, DWI with ADC map, SWI. No contrast was given.",
    ],
    normal: &[
        &["No restricted diffusion.", "Diffusion-weighted images are without acute ischaemia."],
        &["No microbleeds on SWI.", "Two unspecific microbleeds in lobar location."],
        &[
            "Scattered punctate T2 hyperintensities of the white matter, Fazekas 1.",
            "Confluent white matter hyperintensities, Fazekas 2.",
        ],
        &["The ventricular system is of normal width.", "Moderate widening of the inner and outer CSF spaces."],
        &["The intracranial flow voids are preserved.", "Normal flow voids of the large basal arteries."],
        &["The pituitary and the orbits are unremarkable.", "Sella and craniocervical junction are normal."],
        &["No pathological enhancement.", "Developmental venous anomaly of the left cerebellar hemisphere."],
    ],
    normal_women: &[],
    normal_men: &[],
    lesions: &[
        Lesion {
            code: Some(LESION),
            noun: "enhancing lesion",
            places: &[
                right("right frontal lobe", FRONTAL_LOBE),
                left("left frontal lobe", FRONTAL_LOBE),
                left("left temporal lobe", TEMPORAL_LOBE),
                right("right parietal lobe", PARIETAL_LOBE),
                right("right occipital lobe", OCCIPITAL_LOBE),
            ],
            sentences: &[
                "Ring-enhancing lesion in the {place}, {size}, with surrounding vasogenic oedema.",
                "In the {place} a T2 hyperintense lesion of {size} with nodular enhancement.",
            ],
            impressions: &["Enhancing lesion in the {place}, {size}."],
            quantities: &[
                coded(LONG_AXIS, "long axis", "mm", 1, Spread::Between(28, 611)),
                coded(SHORT_AXIS, "short axis", "mm", 1, Spread::OfFirst(50, 99)),
                coded(VOLUME, "volume", "mm3", 1, Spread::Ellipsoid),
                coded(DIFFUSION, "mean ADC", "um2/s", 1, Spread::Between(5120, 14980)),
            ],
            excludes: &["enhancement", "No contrast"],
            critical: false,
            graded: false,
        },
        Lesion {
            code: Some(CEREBRAL_INFARCTION),
            noun: "acute infarct",
            places: &[
                left("left parietal lobe", PARIETAL_LOBE),
                right("right frontal lobe", FRONTAL_LOBE),
                left("left occipital lobe", OCCIPITAL_LOBE),
            ],
            sentences: &["Restricted diffusion in the {place}, {size}, with low ADC: acute infarction."],
            impressions: &["Acute infarction in the {place} ({size}). The stroke unit was told at once."],
            quantities: &[
                coded(LONG_AXIS, "long axis", "mm", 0, Spread::Between(4, 68)),
                coded(DIFFUSION, "mean ADC", "um2/s", 0, Spread::Between(290, 560)),
            ],
            excludes: &["iffusion"],
            critical: true,
            graded: false,
        },
    ],
    surveys: &[Survey {
        quantities: &[
            coded(VOLUME, "volume", "mL", 3, Spread::Between(1204, 98_412)),
            plain("share of intracranial volume", "%", 4, Spread::Between(812, 68_430)),
            plain("age-adjusted percentile", "{percentile}", 1, Spread::Between(4, 997)),
            plain("asymmetry index", "1", 5, Spread::Minus(0, 14_210)),
        ],
        places: &[
            left("left hippocampus", HIPPOCAMPUS),
            right("right hippocampus", HIPPOCAMPUS),
            left("left frontal lobe", FRONTAL_LOBE),
            right("right frontal lobe", FRONTAL_LOBE),
            left("left parietal lobe", PARIETAL_LOBE),
            right("right parietal lobe", PARIETAL_LOBE),
            left("left temporal lobe", TEMPORAL_LOBE),
            right("right temporal lobe", TEMPORAL_LOBE),
            left("left occipital lobe", OCCIPITAL_LOBE),
            right("right occipital lobe", OCCIPITAL_LOBE),
            both("lateral ventricles", LATERAL_VENTRICLE),
            place("whole brain", BRAIN),
        ],
        follows_lesions: false,
        sentence: "Automated volumetry: all regional volumes with their share of the intracranial volume and the percentile of age are listed in the table of measurements.",
    }],
    clear: &["No acute intracranial finding.", "Stable findings, no new lesions."],
    advice: &[
        "Follow-up MRI in 3 months.",
        "Follow-up MRI in 12 months with the same protocol.",
        "Neurological review.",
    ],
};

pub(super) const SPINE: Protocol = Protocol {
    modality: "MR",
    sop_class: MR_IMAGE,
    loop_sop_class: None,
    descriptions: &["MR Lumbar spine", "MRT LWS", "MR spine, lumbar, without contrast"],
    site: LUMBAR_SPINE,
    sex: None,
    histories: &[
        "Low back pain radiating to the left leg, L5 distribution.",
        "Neurogenic claudication. Stenosis?",
        "Pain after lifting a heavy load. Disc herniation?",
    ],
    techniques: &[
        "1.5 T. Sagittal T1, T2 and STIR, axial T2 through L3 to S1.",
        "3 T. Sagittal T2 and T1 Dixon, axial T2 in disc orientation.",
    ],
    normal: &[
        &["Five lumbar vertebrae, normal alignment.", "Flattened lordosis. No spondylolisthesis."],
        &["The vertebral bodies are of normal height.", "Modic type 2 changes of the endplates at L4/L5."],
        &["The conus ends at L1 and is of normal signal.", "Conus medullaris unremarkable."],
        &["No prevertebral or epidural collection.", "The paravertebral muscles are symmetrical."],
        &["Sacroiliac joints without oedema.", "The imaged sacroiliac joints are unremarkable."],
    ],
    normal_women: &[],
    normal_men: &[],
    lesions: &[Lesion {
        code: None,
        noun: "disc herniation",
        places: &[place("L3/L4", DISC_L3_L4), place("L4/L5", DISC_L4_L5), place("L5/S1", DISC_L5_S1)],
        sentences: &[
            "{place}: broad-based disc herniation, {size} in depth, with contact to the traversing root.",
            "{place}: sequestered herniation of {size}, migrated caudally; the recess is narrowed.",
        ],
        impressions: &["Disc herniation {place}, {size}, with compression of the traversing root."],
        quantities: &[
            coded(DEPTH, "herniation depth", "mm", 1, Spread::Between(21, 129)),
            plain("canal anteroposterior diameter", "mm", 1, Spread::Between(62, 171)),
            plain("dural sac cross-section", "mm2", 1, Spread::Between(381, 1689)),
        ],
        excludes: &[],
        critical: false,
        graded: true,
    }],
    surveys: &[Survey {
        quantities: &[
            plain("disc height", "mm", 1, Spread::Between(38, 131)),
            plain("canal anteroposterior diameter", "mm", 1, Spread::Between(71, 189)),
            plain("dural sac cross-section", "mm2", 1, Spread::Between(412, 2210)),
        ],
        places: &[place("L3/L4", DISC_L3_L4), place("L4/L5", DISC_L4_L5), place("L5/S1", DISC_L5_S1)],
        follows_lesions: false,
        sentence: "Heights and diameters level by level are listed in the table of measurements.",
    }],
    clear: &["No nerve root compression, no spinal canal stenosis.", "Degenerative changes in keeping with age."],
    advice: &["Conservative treatment; MRI if there is a neurological deficit.", "Spinal surgical opinion."],
};

pub(super) const KNEE_PROTOCOL: Protocol = Protocol {
    modality: "MR",
    sop_class: MR_IMAGE,
    loop_sop_class: None,
    descriptions: &["MR Knee", "MRT Kniegelenk", "MR knee without contrast"],
    site: KNEE,
    sex: None,
    histories: &["Twisting injury at football, locked knee.", "Medial joint line pain for three months."],
    techniques: &["3 T, knee coil. PD fat-saturated in three planes, sagittal T1, coronal T2."],
    normal: &[
        &["The anterior and posterior cruciate ligaments are continuous.", "Intact cruciate ligaments."],
        &["Collateral ligaments are intact.", "Grade 1 sprain of the medial collateral ligament."],
        &["The quadriceps and patellar tendons are unremarkable.", "Extensor mechanism intact."],
        &["No fracture.", "Mild marrow oedema of the medial tibial plateau."],
    ],
    normal_women: &[],
    normal_men: &[],
    lesions: &[
        Lesion {
            code: None,
            noun: "meniscal tear",
            places: &[
                place("posterior horn of the medial meniscus", MENISCUS),
                place("body of the lateral meniscus", MENISCUS),
            ],
            sentences: &["Oblique tear of the {place} that reaches the lower surface, {size} long."],
            impressions: &["Tear of the {place}, {size}."],
            quantities: &[coded(LENGTH, "length", "mm", 1, Spread::Between(31, 242))],
            excludes: &[],
            critical: false,
            graded: false,
        },
        Lesion {
            code: None,
            noun: "cartilage defect",
            places: &[place("medial femoral condyle", KNEE), place("retropatellar facet", KNEE)],
            sentences: &["Cartilage defect of the {place}, {size}, ICRS grade 3."],
            impressions: &["Cartilage defect of the {place}, {size}."],
            quantities: &[
                plain("length", "mm", 1, Spread::Between(41, 249)),
                plain("width", "mm", 1, Spread::OfFirst(40, 98)),
            ],
            excludes: &[],
            critical: false,
            graded: true,
        },
    ],
    surveys: &[Survey {
        quantities: &[
            plain("cartilage thickness", "mm", 2, Spread::Between(81, 421)),
            plain("T2 relaxation time", "ms", 2, Spread::Between(2810, 6390)),
        ],
        places: &[
            place("medial femoral condyle", KNEE),
            place("lateral femoral condyle", KNEE),
            place("medial tibial plateau", KNEE),
            place("lateral tibial plateau", KNEE),
            place("patella", KNEE),
            place("trochlea", KNEE),
        ],
        follows_lesions: false,
        sentence: "Cartilage mapping: thickness and T2 by region are listed in the table of measurements.",
    }],
    clear: &["No internal derangement of the knee.", "Intact menisci and ligaments."],
    advice: &["Orthopaedic referral for arthroscopy.", "Physiotherapy; no follow-up imaging."],
};
