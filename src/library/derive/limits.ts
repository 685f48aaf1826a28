/** Most pixels of a picture that we decode (100 megapixels); above it the file is refused by its header. */
export const MAX_PIXELS = 100_000_000
