//! `_codecs_cn`, `_codecs_hk`, `_codecs_iso2022`, `_codecs_jp`, `_codecs_kr` and `_codecs_tw`: who has which codec.

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::MultibyteCodec;
use super::codec::{Codec, Kind};
use super::iso2022::{self, Configuration, Set};
use super::tables::Table;

const fn direct(name: &'static str, table: Table) -> Codec {
    Codec { name, kind: Kind::Direct(table) }
}

/// A Japanese codec with escape sequences.
const fn japanese(name: &'static str, uses_g2: bool, sets: &'static [Set]) -> Codec {
    Codec { name, kind: Kind::Iso2022(Configuration { shifts: false, uses_g2, announces: true, sets }) }
}

static CHINESE: [Codec; 4] = [
    direct("gb2312", Table::Gb2312),
    direct("gbk", Table::Gbk),
    Codec { name: "gb18030", kind: Kind::Gb18030 },
    Codec { name: "hz", kind: Kind::Hz },
];

static HONG_KONG: [Codec; 1] = [direct("big5hkscs", Table::Big5Hkscs)];

static TAIWANESE: [Codec; 2] = [direct("big5", Table::Big5), direct("cp950", Table::Cp950)];

static JAPANESE: [Codec; 7] = [
    direct("shift_jis", Table::ShiftJis),
    direct("cp932", Table::Cp932),
    direct("euc_jp", Table::EucJp),
    direct("shift_jis_2004", Table::ShiftJis2004),
    direct("euc_jis_2004", Table::EucJis2004),
    direct("euc_jisx0213", Table::EucJisX0213),
    direct("shift_jisx0213", Table::ShiftJisX0213),
];

static KOREAN: [Codec; 3] = [
    Codec { name: "euc_kr", kind: Kind::EucKr },
    direct("cp949", Table::Cp949),
    direct("johab", Table::Johab),
];

static ISO2022: [Codec; 7] = [
    Codec {
        name: "iso2022_kr",
        kind: Kind::Iso2022(Configuration {
            shifts: true,
            uses_g2: false,
            announces: false,
            sets: &[iso2022::KSX1001_G1],
        }),
    },
    japanese("iso2022_jp", false, &[iso2022::JISX0208, iso2022::ROMAN, iso2022::JISX0208_OLD]),
    japanese(
        "iso2022_jp_1",
        false,
        &[iso2022::JISX0208, iso2022::JISX0212, iso2022::ROMAN, iso2022::JISX0208_OLD],
    ),
    japanese(
        "iso2022_jp_2",
        true,
        &[
            iso2022::JISX0208,
            iso2022::JISX0212,
            iso2022::KSX1001,
            iso2022::GB2312,
            iso2022::ROMAN,
            iso2022::JISX0208_OLD,
            iso2022::LATIN,
            iso2022::GREEK,
        ],
    ),
    japanese(
        "iso2022_jp_2004",
        false,
        &[
            iso2022::JISX0213_2004_PAIRS,
            iso2022::JISX0208,
            iso2022::JISX0213_2004_1,
            iso2022::JISX0213_2004_2,
        ],
    ),
    japanese(
        "iso2022_jp_3",
        false,
        &[
            iso2022::JISX0213_2000_PAIRS,
            iso2022::JISX0208,
            iso2022::JISX0213_2000_1,
            iso2022::JISX0213_2000_2,
        ],
    ),
    japanese(
        "iso2022_jp_ext",
        false,
        &[
            iso2022::JISX0208,
            iso2022::JISX0212,
            iso2022::ROMAN,
            iso2022::KATAKANA,
            iso2022::JISX0208_OLD,
        ],
    ),
];

fn find(vm: &Vm, codecs: &'static [Codec], name: &Value) -> PyResult {
    let Some(name) = name.downcast::<Str>() else {
        return Err(vm.type_error("encoding name must be a string."));
    };
    match codecs.iter().find(|codec| name.equals_str(codec.name)) {
        Some(codec) => Ok(MultibyteCodec::new(vm, codec).into_value()),
        None => Err(vm.lookup_error("no such codec is supported.")),
    }
}

macro_rules! providers {
    ($($module:ident $python:literal $codecs:ident;)*) => {$(
        #[doc = concat!("`", $python, "`.")]
        pub mod $module {
            use super::*;

            rspy_runtime::native_module! {
                name: $python,
                doc: "",
                functions: [Functions::FUNCTIONS],
                types: [],
                execute: |_, _| Ok(()),
            }

            /// The functions.
            pub struct Functions;

            #[pyfunctions]
            impl Functions {
                #[function("getcodec(name, /)")]
                fn getcodec(vm: &Vm, name: &Value) -> PyResult {
                    find(vm, &$codecs, name)
                }
            }
        }
    )*};
}
providers! {
    cn "_codecs_cn" CHINESE;
    hk "_codecs_hk" HONG_KONG;
    iso2022_ "_codecs_iso2022" ISO2022;
    jp "_codecs_jp" JAPANESE;
    kr "_codecs_kr" KOREAN;
    tw "_codecs_tw" TAIWANESE;
}
