/** Defines the error for a surface that could not be read: then nothing is concluded, and nothing is written. */

export class UnreadableSurface extends Error {
  override readonly name = "UnreadableSurface";
}
