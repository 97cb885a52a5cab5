// transformers.js on an exported folder: `node run.mjs TASK PARENT NAME INPUT`; prints what the model says.
import { env, pipeline } from "@huggingface/transformers";

const [task, parent, name, input] = process.argv.slice(2);
env.allowRemoteModels = false;
env.localModelPath = parent;
const model = await pipeline(task, name, { dtype: "fp32" });
const given = JSON.parse(input);
const said = task === "question-answering" ? await model(given.question, given.context) : await model(given);
console.log(JSON.stringify(said));
