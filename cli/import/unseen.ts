/** Something of a surface could not be read: then nothing is concluded, and nothing is written. */

export class Unseen extends Error {
  override readonly name = "Unseen";
}
