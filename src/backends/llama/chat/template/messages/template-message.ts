// A message on its way to the template. No implementation.

/** A message in the form that templates read. */
export interface TemplateMessage {
  role: string;
  content: string | readonly { readonly type: "text"; readonly text: string }[] | null;
  [field: string]: unknown;
}
