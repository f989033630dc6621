// Builds the page into files that need nothing but themselves: no inline script or style, fonts as woff2 alone.
import { defineConfig, type Plugin } from "vite";

// Every browser that runs the page reads woff2; KaTeX's style sheet names two older formats besides.
const modern_fonts: Plugin = {
  name: "modern-fonts",
  enforce: "pre",
  transform(code, id) {
    if (!id.endsWith("katex.css")) return null;
    return code.replace(/,\s*url\([^)]*\.(?:woff|ttf)\)\s*format\("[a-z]+"\)/g, "");
  },
};

export default defineConfig({
  base: "./", // also below a path of somebody's proxy
  plugins: [modern_fonts],
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  build: {
    target: "es2022",
    outDir: "../build/page",
    emptyOutDir: true,
    assetsInlineLimit: 0, // fonts as data: would need a hole in the content security policy
    modulePreload: false,
    chunkSizeWarningLimit: 700,
  },
});
