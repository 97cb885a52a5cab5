// The official JavaScript client, asked as its documentation says: `node ask.mjs URL`; prints what it got.
import { InferenceClient } from "@huggingface/inference";

const at = (name) => new InferenceClient().endpoint(`${process.argv[2]}/models/${name}`);
const text = "Astrid Lindgren was born near Vimmerby and wrote in Stockholm.";
const said = {
  asks: await at("asks").questionAnswering({ inputs: { question: "Where did she write?", context: text } }),
  tags: await at("tags").tokenClassification({ inputs: text, parameters: { ignore_labels: [] } }),
  sorts: await at("sorts").textClassification({ inputs: text }),
  fills: await at("fills").fillMask({ inputs: "Astrid [MASK] was born." }),
};
console.log(JSON.stringify(said));
