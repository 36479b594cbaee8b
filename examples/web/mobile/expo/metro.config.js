// SPDX-License-Identifier: MIT

const path = require('node:path');
const { getDefaultConfig } = require('expo/metro-config');

const config = getDefaultConfig(__dirname);
const ourPackages = path.join(__dirname, 'node_modules') + path.sep;
const ours = path.join(__dirname, 'index.ts');

// The app and the client are beside this folder. Packages that they import come from here: the web workspace above
// has another `react-native`, the one for browsers.
config.watchFolders = [path.resolve(__dirname, '../src'), path.resolve(__dirname, '../../client')];
config.resolver.resolveRequest = (context, name, platform) => {
  const isPackage = !name.startsWith('.') && !path.isAbsolute(name);
  const isFromOutside = !context.originModulePath.startsWith(ourPackages);
  const from = isPackage && isFromOutside ? { ...context, originModulePath: ours } : context;
  return context.resolveRequest(from, name, platform);
};

module.exports = config;
