// Text files for a question: what is text, and what is not.
import { text } from "../language/text";
import type { Attachment } from "../store/tree";

const kMostBytes = 24 * 1024 * 1024; // the server reads bodies up to 64 MiB, and JSON adds to a text

// Throws with a sentence where a file cannot be read as text.
export async function read_attachment(file: File): Promise<Attachment> {
  if (file.size > kMostBytes) throw new Error(text("file_too_large", file.name));
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (bytes.subarray(0, 8192).includes(0)) throw new Error(text("file_not_text", file.name));
  try {
    return { name: file.name, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    throw new Error(text("file_not_text", file.name));
  }
}
