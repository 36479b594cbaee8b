// SPDX-License-Identifier: MIT

const path = require('node:path');
const { getDefaultConfig } = require('expo/metro-config');

const config = getDefaultConfig(__dirname);
// The app and the client are beside this folder; what they import is taken from here.
config.watchFolders = [
  path.resolve(__dirname, '../src'),
  path.resolve(__dirname, '../../client/src'),
];
config.resolver.nodeModulesPaths = [path.resolve(__dirname, 'node_modules')];
config.resolver.disableHierarchicalLookup = true;

module.exports = config;
