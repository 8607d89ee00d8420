//! The functions of the library that the crate `zstd-safe` has no safe form of.

use zstd_safe::zstd_sys::{self, ZSTD_bounds, ZSTD_cParameter, ZSTD_dParameter};

/// The least and the greatest value of a parameter, or the library's error.
pub type Bounds = Result<(i32, i32), &'static str>;

fn checked(bounds: &ZSTD_bounds) -> Bounds {
    // SAFETY: the function looks at a number.
    if unsafe { zstd_sys::ZSTD_isError(bounds.error) } != 0 {
        return Err(zstd_safe::get_error_name(bounds.error));
    }
    Ok((bounds.lowerBound, bounds.upperBound))
}

/// The bounds of a parameter of compression.
pub fn compression_bounds(parameter: ZSTD_cParameter) -> Bounds {
    // SAFETY: the function takes and answers plain numbers.
    checked(&unsafe { zstd_sys::ZSTD_cParam_getBounds(parameter) })
}

/// The bounds of a parameter of decompression.
pub fn decompression_bounds(parameter: ZSTD_dParameter) -> Bounds {
    // SAFETY: the function takes and answers plain numbers.
    checked(&unsafe { zstd_sys::ZSTD_dParam_getBounds(parameter) })
}

/// Makes a dictionary of given contents and samples. The sizes must add up to the samples.
///
/// # Errors
/// The library's error.
pub fn finalize_dictionary(
    contents: &[u8],
    samples: &[u8],
    sizes: &[usize],
    most: usize,
    level: i32,
) -> Result<Vec<u8>, &'static str> {
    assert_eq!(sizes.iter().try_fold(0usize, |sum, &size| sum.checked_add(size)), Some(samples.len()));
    let mut dictionary = vec![0u8; most];
    let parameters =
        zstd_sys::ZDICT_params_t { compressionLevel: level, notificationLevel: 0, dictID: 0 };
    // SAFETY: the buffers are as long as said, and the sizes stay inside the samples.
    let size = unsafe {
        zstd_sys::ZDICT_finalizeDictionary(
            dictionary.as_mut_ptr().cast(),
            most,
            contents.as_ptr().cast(),
            contents.len(),
            samples.as_ptr().cast(),
            sizes.as_ptr(),
            sizes.len() as u32,
            parameters,
        )
    };
    // SAFETY: the function looks at a number.
    if unsafe { zstd_sys::ZSTD_isError(size) } != 0 {
        return Err(zstd_safe::get_error_name(size));
    }
    dictionary.truncate(size);
    Ok(dictionary)
}
