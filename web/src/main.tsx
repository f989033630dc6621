import { render } from "preact";
import { find_models } from "./api/models";
import { App } from "./components/app";
import { load_library } from "./store/library";
import "./styles/colours.css";
import "./styles/base.css";
import "./styles/frame.css";
import "./styles/conversation.css";
import "./styles/composer.css";
import "./styles/markdown.css";
import "./styles/dialogs.css";
import "./styles/playground.css";
import "./styles/status.css";

const place = document.getElementById("page");
if (place) render(<App />, place);
void find_models();
void load_library();
